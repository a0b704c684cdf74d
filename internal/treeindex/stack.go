package treeindex

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

	"github.com/pulpimg/pulpimg/internal/layer"
)

// A Tree is the file tree of layers, each on top of those before it. It does what an overlay file system does.
type Tree struct{ layers []*Index }

// Stack returns the tree of several layers, the lowest first. Without any, it is the empty tree.
func Stack(layers ...*Index) *Tree { return &Tree{layers: slices.Clone(layers)} }

// A place is where a node is: in a layer, under a path.
type place struct {
	layer int
	path  string
	*node
}

// A part is what one layer has of a merged directory.
type part struct {
	layer int
	*node
}

// child replaces what the layers have of a directory, the highest first, by what they have of a name in it. That is several parts if it is a
// directory in several layers, one for another file, and none if the name is not there.
func child(dirs []part, name string) []part {
	out := dirs[:0]
	for _, dir := range dirs {
		n := dir.child(name)
		switch {
		case n == nil:
			continue
		case n.file == nil, !n.isDir() && len(out) > 0:
			return out
		}
		out = append(out, part{dir.layer, n})
		if n.opaque || !n.isDir() {
			return out
		}
	}
	return out
}

// find returns what the layers have of a clean absolute path whose parents are no symbolic links, the highest layer first.
func (t *Tree) find(p string) []part {
	at := make([]part, 0, len(t.layers))
	for i, index := range slices.Backward(t.layers) {
		at = append(at, part{i, index.root})
		if index.root.opaque {
			break
		}
	}
	for name := range parts(p) {
		at = child(at, name)
	}
	return at
}

// at returns the place of a path, and false if there is nothing. It is where the attributes of the path are.
func (t *Tree) at(p string) (place, bool) {
	found := t.find(p)
	if len(found) == 0 {
		return place{}, false
	}
	return place{found[0].layer, p, found[0].node}, true
}

// Lstat implements layer.Tree.
func (t *Tree) Lstat(ctx context.Context, p string) (*layer.Info, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if p == "/" {
		return &layer.Info{Mode: newDir}, nil
	}
	at, ok := t.at(p)
	if !ok {
		return nil, nil
	}
	return t.info(at)
}

// info describes the file of a node.
func (t *Tree) info(at place) (*layer.Info, error) {
	f := at.file
	info := &layer.Info{Mode: f.mode, UID: int(f.uid), GID: int(f.gid), Target: f.target, Xattrs: maps.Clone(f.xattrs)}
	if f.below {
		target, err := t.target(at)
		if err != nil {
			return nil, err
		}
		linked, err := target.tree.info(target.place)
		if err != nil {
			return nil, err
		}
		delete(linked.Xattrs, "security.capability")
		info.Target, info.Xattrs = linked.Target, union(linked.Xattrs, f.xattrs)
		info.Mode = linked.Mode.Type() | f.mode&permissions
		if linked.Mode&fs.ModeSymlink != 0 {
			info.Mode = linked.Mode
		}
	}
	if at.implied {
		return info, t.inherit(at, info)
	}
	return info, nil
}

// inherit gives a directory that was made for its children what such a directory gets.
func (t *Tree) inherit(at place, info *layer.Info) error {
	from, err := t.below(at)
	if err != nil {
		return err
	}
	if from != nil {
		if !at.stated {
			info.Mode, info.UID, info.GID = from.Mode, from.UID, from.GID
		}
		info.Xattrs = union(from.Xattrs, info.Xattrs)
	}
	if from != nil || at.stated || !at.heir {
		return nil
	}
	above := path.Dir(at.path)
	n, _ := t.layers[at.layer].lookup(above)
	from, err = t.below(place{at.layer, above, n})
	if from != nil && from.Mode&fs.ModeSetgid != 0 { // mkdir(2)
		info.GID = from.GID
	}
	return err
}

// below describes the directory of a layer below from which one that was made for its children has its attributes. It returns nil if there
// is none. The nearest layer that has the path decides, even if a layer between hides it: containerd looks at one layer after the other.
func (t *Tree) below(at place) (*layer.Info, error) {
	for i, index := range slices.Backward(t.layers[:at.layer]) {
		p, err := realPath(at.path, index.readlink)
		if err != nil {
			return nil, nil
		}
		n, ok := index.lookup(p)
		if ok && n == nil {
			continue
		}
		if !ok || !n.isDir() || p == "/" {
			return nil, nil
		}
		return t.info(place{i, p, n})
	}
	return nil, nil
}

// readlink reads the symbolic links of the layer.
func (i *Index) readlink(p string) (string, bool, error) {
	n, ok := i.lookup(p)
	return n.readlink(ok)
}

// union returns new extended attributes: some, and others above them.
func union(some, above map[string]string) map[string]string {
	if len(some) == 0 {
		return maps.Clone(above)
	}
	out := maps.Clone(some)
	maps.Copy(out, above)
	return out
}

// A target is what a hard link leads to, in the tree that it was made in.
type target struct {
	tree *Tree
	place
}

// target returns the file in a layer below that a node is a hard link of.
func (t *Tree) target(at place) (target, error) {
	below := &Tree{layers: t.layers[:at.layer]}
	dir, err := realPath(path.Dir(at.file.target), below.readlink)
	if err != nil {
		return target{}, err
	}
	found, ok := below.at(path.Join(dir, path.Base(at.file.target)))
	if !ok || found.isDir() {
		return target{}, fmt.Errorf("%s is a hard link of %s, which is no file in the layers below", at.path, at.file.target)
	}
	return target{below, found}, nil
}

// readlink reads the symbolic links of the tree.
func (t *Tree) readlink(p string) (string, bool, error) {
	at, ok := t.at(p)
	if !ok || !at.isSymlink() {
		return "", false, nil
	}
	return at.file.target, true, nil
}

// Names returns the names in a directory, sorted. The path is clean and absolute, and its parents are no symbolic links. There are none if
// there is no such directory.
func (t *Tree) Names(ctx context.Context, dir string) ([]string, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	seen := map[string]bool{} // by name: whether it is there
	for _, in := range t.find(dir) {
		for _, n := range in.children {
			if _, ok := seen[n.name]; !ok {
				seen[n.name] = n.file != nil
			}
		}
	}
	maps.DeleteFunc(seen, func(_ string, there bool) bool { return !there })
	return slices.Sorted(maps.Keys(seen)), nil
}

// ReadFile implements layer.Reader, for /etc/passwd and /etc/group.
func (t *Tree) ReadFile(ctx context.Context, p string, limit int64) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	at, ok, err := t.regular(p)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("reading %s: %w", p, fs.ErrNotExist)
	}
	content, ok := t.layers[at.layer].contents[at.file]
	if !ok {
		return nil, fmt.Errorf("the content of %s is not known", p)
	}
	return slices.Clone(content[:min(int64(len(content)), limit)]), nil
}

// Origin returns where the content of a regular file is: the layer of the stack, and the number of the header in its tar that the content
// follows, as archive/tar counts them, from 0. Two files are hard links of one another if both are the same. It reports false if there is
// no regular file.
func (t *Tree) Origin(p string) (layer, header int, ok bool) {
	at, ok, err := t.regular(p)
	if err != nil || !ok {
		return 0, 0, false
	}
	return at.layer, at.file.header, true
}

// regular returns the node of a regular file that has the content of a path.
func (t *Tree) regular(p string) (place, bool, error) {
	at, ok := t.at(p)
	if !ok {
		return place{}, false, nil
	}
	for at.file.below {
		target, err := t.target(at)
		if err != nil {
			return place{}, false, err
		}
		at = target.place
	}
	return at, at.file.mode.IsRegular(), nil
}
