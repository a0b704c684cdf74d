package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// The files of an image that say which number a name has. See passwd(5) and group(5).
const (
	passwdFile = "/etc/passwd"
	groupFile  = "/etc/group"
	// maxAccounts bounds each of them. One with ten thousand users has less.
	maxAccounts = 1 << 20
)

// An OwnerError reports that an image does not know a user or a group to whom files shall belong.
type OwnerError struct {
	// Name is the name, and File where it was looked for.
	Name, File string
	// Err is set when the file could not be read; fs.ErrNotExist when there is none.
	Err error
}

func (e *OwnerError) Error() string {
	const remedy = "name the owner by its numbers, UID:GID, or have a step before this one add it"
	switch {
	case errors.Is(e.Err, fs.ErrNotExist):
		return fmt.Sprintf("the owner %q is not known, because the image has no %s: %s", e.Name, e.File, remedy)
	case e.Err != nil:
		return fmt.Sprintf("looking up the owner %q in %s of the image: %v", e.Name, e.File, e.Err)
	}
	return fmt.Sprintf("%s of the image has no %q: %s", e.File, e.Name, remedy)
}

// Unwrap returns why the file could not be read.
func (e *OwnerError) Unwrap() error { return e.Err }

// accounts finds the numbers of owners in a tree. It reads the files of the tree when it is asked for a name, once.
type accounts struct {
	tree   layer.Tree
	owners map[family.Owner]layer.Owner
	lines  map[string][][]string // the fields of the lines, by file
}

func newAccounts(tree layer.Tree) *accounts {
	return &accounts{tree: tree, owners: map[family.Owner]layer.Owner{}, lines: map[string][][]string{}}
}

// numbers returns the numbers of an owner.
func (a *accounts) numbers(ctx context.Context, owner family.Owner) (layer.Owner, error) {
	if known, ok := a.owners[owner]; ok {
		return known, nil
	}
	uid, gid, ok := owner.IDs()
	if !ok {
		var err error
		if uid, gid, err = a.lookUp(ctx, owner); err != nil {
			return layer.Owner{}, err
		}
	}
	a.owners[owner] = layer.Owner{UID: uid, GID: gid}
	return a.owners[owner], nil
}

func (a *accounts) lookUp(ctx context.Context, owner family.Owner) (uid, gid int, err error) {
	user, group := owner.Parts()
	uid, ok := family.ParseID(user)
	gid = uid
	if !ok {
		found, err := a.find(ctx, passwdFile, user, 2, 3)
		if err != nil {
			return 0, 0, err
		}
		uid, gid = found[0], found[1]
	}
	if group == "" {
		return uid, gid, nil
	}
	if gid, ok = family.ParseID(group); !ok {
		found, err := a.find(ctx, groupFile, group, 2)
		if err != nil {
			return 0, 0, err
		}
		gid = found[0]
	}
	return uid, gid, nil
}

// find returns numbers from the first line of a name in which they are numbers. It does not use moby/sys/user, which takes one that is no
// number for 0, that of root.
func (a *accounts) find(ctx context.Context, file, name string, fields ...int) ([]int, error) {
	lines, err := a.read(ctx, file)
	if err != nil {
		return nil, &OwnerError{Name: name, File: file, Err: err}
	}
	for _, line := range lines {
		if line[0] != name || len(line) < 4 {
			continue
		}
		var found []int
		for _, field := range fields {
			if id, ok := family.ParseID(line[field]); ok && line[field] != "root" {
				found = append(found, id)
			}
		}
		if len(found) == len(fields) {
			return found, nil
		}
	}
	return nil, &OwnerError{Name: name, File: file}
}

// read returns the fields of the lines of a file.
func (a *accounts) read(ctx context.Context, file string) ([][]string, error) {
	if lines, ok := a.lines[file]; ok {
		return lines, nil
	}
	data, err := layer.ReadFile(ctx, a.tree, file, maxAccounts)
	if err != nil {
		return nil, err
	}
	lines := [][]string{}
	for line := range strings.Lines(string(data)) {
		lines = append(lines, strings.Split(strings.TrimSpace(line), ":"))
	}
	a.lines[file] = lines
	return lines, nil
}
