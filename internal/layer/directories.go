package layer

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"slices"
)

// A Directory is one that a layer is about, unlike those that come with its files.
type Directory struct {
	// Path is as the image's users see it: each part of it may be a symbolic link to a directory.
	Path string
	// Mode is the permissions, set-id and sticky bits included. Nil keeps those of an existing directory; a new one has 0755.
	Mode *fs.FileMode
	// Owner is whom it belongs to. Nil keeps that of an existing directory; a new one belongs to root.
	Owner *Owner
}

// An Owner is a user and a group.
type Owner struct{ UID, GID int }

// Directories returns the entries of a layer that makes directories on a tree, or gives those that are there a mode and an owner, sorted by
// path. Those above them are as Entries has them.
func Directories(ctx context.Context, below Tree, dirs []Directory) ([]Entry, error) {
	paths := make([]string, len(dirs))
	for i, d := range dirs {
		paths[i] = d.Path
	}
	prefetch(ctx, below, paths)
	made := made{below: below, dirs: map[string]Info{}}
	asked := map[string]string{} // the paths of directories, by real path
	for _, d := range dirs {
		found, err := resolver{tree: made, mode: newDirMode}.dir(ctx, d.Path)
		if err != nil {
			return nil, fmt.Errorf("finding the place of %s: %w", d.Path, err)
		}
		if len(found.dirs) == 0 {
			return nil, fmt.Errorf("%s is the root directory in the image below, which stays as it is", d.Path)
		}
		if other, ok := asked[found.path]; ok {
			return nil, fmt.Errorf("%s and %s are the same directory in the image below, %s", other, d.Path, found.path)
		}
		asked[found.path] = d.Path
		for _, dir := range found.dirs {
			made.dirs[dir.Path] = dir.Info
		}
		info := made.dirs[found.path]
		if d.Mode != nil {
			info.Mode = fs.ModeDir | *d.Mode
		}
		if d.Owner != nil {
			info.UID, info.GID = d.Owner.UID, d.Owner.GID
		}
		made.dirs[found.path] = info
	}
	out := make([]Entry, 0, len(made.dirs))
	for p, info := range made.dirs {
		out = append(out, Entry{Path: p, Info: info})
	}
	slices.SortFunc(out, func(a, b Entry) int { return cmp.Compare(a.Path, b.Path) })
	return out, nil
}

// made is a tree with directories that a layer makes.
type made struct {
	below Tree
	dirs  map[string]Info // by real path
}

// Lstat implements Tree.
func (m made) Lstat(ctx context.Context, path string) (*Info, error) {
	if info, ok := m.dirs[path]; ok {
		return &info, nil
	}
	return m.below.Lstat(ctx, path)
}
