package treeindex

import (
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"
)

// An Index is what one layer says about files. It is immutable.
type Index struct {
	root     *node
	contents map[*file][]byte // of the files that contentKept names, as far as they are regular
}

// A node is a name in a directory of a layer.
type node struct {
	name string
	// file is nil for a whiteout: there is no such name, whatever the layers below have.
	file *file
	// children are sorted by name.
	children []*node
	// opaque hides what the layers below have in the directory.
	opaque bool
	// implied says that the directory has no entry, or had none when its first child came. It has the extended attributes of the directory in
	// a layer below; and its mode and owner, unless it is stated.
	implied, stated bool
	// heir says that the directory it is in was implied, too, when it was made: that may be one with a set-group-id bit below.
	heir bool
}

// A file is what names stand for. Several names have the same one if they are hard links.
type file struct {
	mode     fs.FileMode
	uid, gid uint32
	// below says that it is a hard link of a file in a layer below, which target names.
	below bool
	// header is the number of the header in the tar that a regular file's content follows.
	header int
	target string // of a symbolic link
	xattrs map[string]string
}

// Nothing that exceeds the limits of Linux can be unpacked.
const (
	maxPath  = 4095
	maxName  = 255
	maxDepth = maxPath/2 + 1
	maxXattr = 64 << 10
	maxID    = 1<<32 - 2
)

// maxLinks bounds the symbolic links that are followed for one path, as containerd does.
const maxLinks = 255

// maxKept bounds the content of a file that an index keeps.
const maxKept = 1 << 20

// nodeSize is about the size of a node and its file without their names, and maxSize bounds the size of all. It is enough for a million files.
const (
	nodeSize = 128
	maxSize  = 256 << 20
)

// newDir is the mode of directories that no entry describes.
const newDir = fs.ModeDir | 0o755

// permissions are the bits that chmod(2) sets.
const permissions = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky

// contentKept reports whether an index keeps the content of a file.
func contentKept(p string) bool { return p == "/etc/passwd" || p == "/etc/group" }

func (n *node) isDir() bool     { return n.file != nil && n.file.mode.IsDir() }
func (n *node) isSymlink() bool { return n.file != nil && n.file.mode&fs.ModeSymlink != 0 }

// child returns the node of a name in a directory, or nil.
func (n *node) child(name string) *node {
	at, ok := slices.BinarySearchFunc(n.children, name, func(n *node, name string) int { return strings.Compare(n.name, name) })
	if !ok {
		return nil
	}
	return n.children[at]
}

// lookup returns the node at a clean absolute path, or nil. If a part of the path before the last is no directory, it reports false and
// returns the node of that.
func (i *Index) lookup(p string) (*node, bool) { return walk(i.root, p, (*node).child) }

// walk follows a clean absolute path from a directory of a layer down.
func walk(at *node, p string, child func(dir *node, name string) *node) (*node, bool) {
	for name := range parts(p) {
		if !at.isDir() {
			return at, false
		}
		if at = child(at, name); at == nil {
			return nil, true
		}
	}
	return at, true
}

// parts are the names in a clean absolute path.
func parts(p string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for rest := strings.TrimPrefix(p, "/"); rest != ""; {
			name, after, _ := strings.Cut(rest, "/")
			if !yield(name) {
				return
			}
			rest = after
		}
	}
}

// readlink is a readlink of what a lookup found.
func (n *node) readlink(ok bool) (string, bool, error) {
	switch {
	case ok && n != nil && n.isSymlink():
		return n.file.target, true, nil
	case !ok && !n.isSymlink(): // or else realPath comes back to the link on the way
		return "", false, fmt.Errorf("%s is not a directory", n.name)
	}
	return "", false, nil
}
