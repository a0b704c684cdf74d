package treeindex

import (
	"archive/tar"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/internal/layer"
)

// https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#whiteouts
const (
	whiteoutPrefix = ".wh."
	opaqueName     = ".wh..wh..opq"
)

const xattrPrefix = "SCHILY.xattr."

// A builder makes an index of headers, as if it unpacked them into an empty directory.
type builder struct {
	root *node
	dirs map[*node]map[string]*node // the names in directories
	kept map[string]kept            // the contents of the last entries for paths
	size int                        // of the nodes, about
}

// kept is the content of a file.
type kept struct {
	file    *file
	content []byte
}

func newBuilder() *builder {
	root := &node{file: &file{mode: newDir}}
	return &builder{root: root, dirs: map[*node]map[string]*node{root: {}}, kept: map[string]kept{}}
}

// index returns what the builder has.
func (b *builder) index() *Index {
	b.sort(b.root)
	index := &Index{root: b.root, contents: map[*file][]byte{}}
	for p, kept := range b.kept {
		if n, _ := index.lookup(p); n != nil && n.file == kept.file {
			index.contents[kept.file] = kept.content
		}
	}
	return index
}

func (b *builder) sort(dir *node) {
	dir.children = slices.SortedFunc(maps.Values(b.dirs[dir]), func(a, b *node) int { return cmp.Compare(a.name, b.name) })
	for _, n := range dir.children {
		if n.isDir() {
			b.sort(n)
		}
	}
}

// readlink reads the symbolic links of the layer.
func (b *builder) readlink(p string) (string, bool, error) {
	n, ok := b.lookup(p)
	return n.readlink(ok)
}

// lookup is that of an index. Whatever is below a whiteout is not there yet.
func (b *builder) lookup(p string) (*node, bool) {
	return walk(b.root, p, func(dir *node, name string) *node {
		if n := b.dirs[dir][name]; n != nil && n.file != nil {
			return n
		}
		return nil
	})
}

// isPlain reports whether all of a clean absolute path are directories, as far as it is there. Nearly all paths are, and need no realPath.
func (b *builder) isPlain(p string) bool {
	at := b.root
	for name := range parts(p) {
		if at = b.dirs[at][name]; at == nil {
			return true
		}
		if !at.isDir() {
			return false
		}
	}
	return true
}

// place returns the path that a name in a tar stands for, of which only the last part may be a symbolic link.
func (b *builder) place(name string) (string, error) {
	dir, base := path.Split(name)
	in := path.Join("/", dir)
	if !b.isPlain(in) {
		var err error
		if in, err = realPath(dir, b.readlink); err != nil {
			return "", err
		}
	}
	p := path.Join(in, path.Join("/", base))
	if len(p) > maxPath || len(base) > maxName {
		return "", errors.New("the name is too long")
	}
	return p, nil
}

// add adds an entry, whose content can be read from r.
func (b *builder) add(number int, h *tar.Header, r io.Reader) error {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	if err := b.grow(h); err != nil {
		return err
	}
	p, err := b.place(path.Clean(h.Name))
	if err != nil || p == "/" { // nothing changes the root
		return err
	}
	dir, err := b.parent(path.Dir(p))
	if err != nil {
		return err
	}
	name := path.Base(p)
	if name == opaqueName {
		dir.opaque = true
		return nil
	}
	if hidden, ok := strings.CutPrefix(name, whiteoutPrefix); ok {
		if hidden == "" || hidden == "." || hidden == ".." {
			return errors.New("it is a whiteout of nothing")
		}
		b.hide(dir, hidden)
		return nil
	}
	n := b.node(dir, name, h)
	if n.file, err = b.file(n.file, p, number, h); err != nil || n.file == nil {
		return err
	}
	if err := n.file.state(h); err != nil {
		return err
	}
	return b.keep(p, n.file, h, r)
}

// parent returns the directory at a path. Directories that are not there are made.
func (b *builder) parent(p string) (*node, error) {
	at := b.root
	for name := range parts(p) {
		next := b.dirs[at][name]
		if next == nil || next.file == nil {
			if len(name) > maxName {
				return nil, errors.New("the name is too long")
			}
			made := &file{mode: newDir}
			if at.file.mode&fs.ModeSetgid != 0 { // mkdir(2)
				made.gid = at.file.gid
			}
			next = &node{name: strings.Clone(name), file: made, implied: true, heir: at.implied && !at.stated, opaque: next != nil}
			b.dirs[at][next.name] = next
			b.dirs[next] = map[string]*node{}
		}
		if !next.isDir() {
			return nil, fmt.Errorf("%s is not a directory", name)
		}
		at = next
	}
	return at, nil
}

// hide makes a whiteout of a name in a directory. An entry of the layer itself stays.
func (b *builder) hide(dir *node, name string) {
	if n := b.dirs[dir][name]; n != nil {
		n.opaque = true
		return
	}
	name = strings.Clone(name)
	b.dirs[dir][name] = &node{name: name, opaque: true}
}

// node returns the node for an entry: that of a directory which stays one, or else a new one, which replaces what was there.
func (b *builder) node(dir *node, name string, h *tar.Header) *node {
	old := b.dirs[dir][name]
	if old != nil && old.isDir() && h.Typeflag == tar.TypeDir {
		old.stated = true
		return old
	}
	n := &node{name: strings.Clone(name)}
	if old != nil {
		n.opaque = old.opaque && !old.isDir()
	}
	b.dirs[dir][n.name] = n
	if h.Typeflag == tar.TypeDir {
		b.dirs[n] = map[string]*node{}
	}
	return n
}

// file returns the file of an entry, which is the old one if that is a directory. It returns nil for a whiteout.
func (b *builder) file(old *file, p string, number int, h *tar.Header) (*file, error) {
	switch h.Typeflag {
	case tar.TypeDir:
		if old != nil {
			return old, nil
		}
		return &file{mode: fs.ModeDir}, nil
	case tar.TypeReg:
		return &file{header: number}, nil
	case tar.TypeSymlink:
		if h.Linkname == "" || len(h.Linkname) > maxPath {
			return nil, errors.New("the symbolic link has no possible target")
		}
		return &file{mode: fs.ModeSymlink | fs.ModePerm, target: strings.Clone(h.Linkname)}, nil
	case tar.TypeLink:
		return b.link(p, h.Linkname)
	case tar.TypeFifo:
		return &file{mode: fs.ModeNamedPipe}, nil
	case tar.TypeBlock, tar.TypeChar:
		return device(h)
	}
	return nil, fmt.Errorf("its type %q is unknown", h.Typeflag)
}

// device returns a device, or nil for that which overlay file systems take for a whiteout.
func device(h *tar.Header) (*file, error) {
	if major, minor := h.Devmajor, h.Devminor; major < 0 || minor < 0 || max(major, minor) > maxID+1 {
		return nil, fmt.Errorf("its device number is %d:%d", major, minor)
	}
	switch {
	case h.Typeflag == tar.TypeBlock:
		return &file{mode: fs.ModeDevice}, nil
	case h.Devmajor == 0 && h.Devminor == 0:
		return nil, nil
	}
	return &file{mode: fs.ModeDevice | fs.ModeCharDevice}, nil
}

// link returns the file that a hard link is one more name of. If the layer has no such file, a layer below has it.
func (b *builder) link(p, name string) (*file, error) {
	target, err := b.place(name)
	if err != nil {
		return nil, err
	}
	n, ok := walk(b.root, target, func(dir *node, name string) *node { return b.dirs[dir][name] })
	switch {
	case target == p:
		return nil, errors.New("it is a hard link of itself")
	case !ok || target == "/" || n != nil && n.isDir():
		return nil, fmt.Errorf("%s is not a file for a hard link", target)
	case n == nil:
		return &file{below: true, target: target}, nil
	}
	return n.file, nil // nil for a whiteout, of which it is one more, then
}

// state gives a file the attributes that a header states. A hard link states them for all names of the file.
func (f *file) state(h *tar.Header) error {
	if h.Uid < 0 || h.Gid < 0 || h.Uid > maxID || h.Gid > maxID {
		return fmt.Errorf("its owner is %d:%d", h.Uid, h.Gid)
	}
	f.uid, f.gid = uint32(h.Uid), uint32(h.Gid)
	if f.mode&fs.ModeSymlink == 0 {
		f.mode = f.mode&^permissions | h.FileInfo().Mode()&permissions
	}
	if !f.mode.IsDir() {
		delete(f.xattrs, "security.capability") // chown(2) removes them
	}
	xattrs := map[string][]byte{}
	for key, value := range h.PAXRecords {
		if name, ok := strings.CutPrefix(key, xattrPrefix); ok && f.takes(name) {
			if len(name) > maxName || len(value) > maxXattr {
				return errors.New("an extended attribute is too large")
			}
			xattrs[name] = []byte(value)
		}
	}
	for name, value := range layer.Portable(xattrs) {
		if f.xattrs == nil {
			f.xattrs = map[string]string{}
		}
		f.xattrs[strings.Clone(name)] = value
	}
	return nil
}

// grow counts what a header may add. It refuses more than anybody has in a layer.
func (b *builder) grow(h *tar.Header) error {
	b.size += nodeSize + len(h.Name) + len(h.Linkname)
	b.size += nodeSize * strings.Count(h.Name, "/") // directories without an entry
	for key, value := range h.PAXRecords {
		b.size += len(key) + len(value)
	}
	if b.size > maxSize {
		return errors.New("the layer has too many files")
	}
	return nil
}

// takes reports whether a file can have an extended attribute. containerd leaves out what it cannot set, and what only the machine's
// administrator may set. See xattr(7).
func (f *file) takes(name string) bool {
	space, _, _ := strings.Cut(name, ".")
	switch space {
	case "user":
		return f.mode.IsDir() || f.mode.IsRegular()
	case "security":
		return true
	}
	return name == "system.posix_acl_access" && f.mode&fs.ModeSymlink == 0 || name == "system.posix_acl_default" && f.mode.IsDir()
}

// keep keeps the content of an entry that needs it.
func (b *builder) keep(p string, f *file, h *tar.Header, r io.Reader) error {
	if h.Typeflag != tar.TypeReg || !contentKept(p) || h.Size > maxKept {
		return nil
	}
	content, err := io.ReadAll(io.LimitReader(r, maxKept))
	if err != nil {
		return err
	}
	b.kept[p] = kept{f, content}
	return nil
}
