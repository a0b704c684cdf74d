package layer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/internal/ctxreader"
)

// Info describes a file of an image, as far as a layer needs to know.
type Info struct {
	// Mode holds the type bits and the permissions, set-id and sticky bits included.
	Mode     fs.FileMode
	UID, GID int
	// Target is a symbolic link's target.
	Target string
	// Xattrs are the extended attributes by name.
	Xattrs map[string]string
}

// A Tree is the file tree of an image.
type Tree interface {
	// Lstat describes the file at a clean absolute path whose parents are no symbolic links. It returns nil if there is none.
	Lstat(ctx context.Context, path string) (*Info, error)
}

// A Prefetcher is a tree that answers faster when it knows beforehand what it will be asked for.
type Prefetcher interface {
	Tree
	// Prefetch announces paths that will be looked up. They are absolute and clean; their parents may be symbolic links.
	Prefetch(ctx context.Context, paths []string)
}

func prefetch(ctx context.Context, tree Tree, paths []string) {
	if p, ok := tree.(Prefetcher); ok {
		p.Prefetch(ctx, paths)
	}
}

// Empty is the tree of an image without files.
type Empty struct{}

// Lstat implements Tree.
func (Empty) Lstat(context.Context, string) (*Info, error) { return nil, nil }

// Lookup describes the file at a path whose parents may be symbolic links. It returns nil if there is none.
func Lookup(ctx context.Context, tree Tree, p string) (*Info, error) {
	parent, err := resolver{tree: tree}.dir(ctx, path.Dir(p))
	if err != nil {
		return nil, err
	}
	return tree.Lstat(ctx, path.Join(parent.path, path.Base(p)))
}

// RealPath returns the path that a path leads to in a tree after all symbolic links, and describes the file there. It returns nil if there is
// none. A link never leads out of the tree.
func RealPath(ctx context.Context, tree Tree, p string) (string, *Info, error) {
	for links := 0; ; links++ {
		cut := strings.LastIndexByte(p, '/')
		above, name := p[:cut+1], p[cut+1:]
		if name == "" || name == "." || name == ".." {
			above, name = p, ""
		}
		parent, err := resolver{tree: tree}.dir(ctx, above)
		if err != nil {
			return "", nil, err
		}
		at := path.Join(parent.path, name)
		if at == "/" {
			return at, &Info{Mode: fs.ModeDir | newDirMode}, nil
		}
		info, err := tree.Lstat(ctx, at)
		if err != nil || info == nil || info.Mode&fs.ModeSymlink == 0 {
			return at, info, err
		}
		if links == maxLinks {
			return "", nil, fmt.Errorf("%s leads through more than %d symbolic links", p, maxLinks)
		}
		// Not a clean path: if x is a link in it, x/.. is the directory above where it leads.
		if p = info.Target; !path.IsAbs(p) {
			p = parent.path + "/" + p
		}
	}
}

// Overlay returns a tree with the entries of a layer, sorted by path, on top of it.
func Overlay(below Tree, entries []Entry) Tree { return overlay{below: below, entries: entries} }

type overlay struct {
	below   Tree
	entries []Entry
}

func (o overlay) Lstat(ctx context.Context, path string) (*Info, error) {
	at, ok := slices.BinarySearchFunc(o.entries, path, func(e Entry, path string) int { return strings.Compare(e.Path, path) })
	if ok {
		info := o.entries[at].Info
		return &info, nil
	}
	return o.below.Lstat(ctx, path)
}

// ReadFile implements Reader.
func (o overlay) ReadFile(ctx context.Context, path string, limit int64) ([]byte, error) {
	at, ok := slices.BinarySearchFunc(o.entries, path, func(e Entry, path string) int { return strings.Compare(e.Path, path) })
	if !ok {
		return readRegular(ctx, o.below, path, limit)
	}
	r, err := o.entries[at].Open()
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(ctxreader.New(ctx, r), limit))
	return data, errors.Join(err, r.Close())
}

// Prefetch implements Prefetcher.
func (o overlay) Prefetch(ctx context.Context, paths []string) { prefetch(ctx, o.below, paths) }

// maxLinks bounds the symbolic links followed for one path, as Linux does (path_resolution(7)).
const maxLinks = 40

// resolved is a directory by its real path, with the directories above it.
type resolved struct {
	path string
	dirs []Entry // from the top down, the directory itself last
}

// A resolver finds the real paths of directories in a tree.
type resolver struct {
	tree Tree
	mode fs.FileMode // of directories that do not exist yet
}

// dir finds the real path of a directory. Parts that do not exist count as directories that the layer will make.
func (r resolver) dir(ctx context.Context, p string) (resolved, error) {
	var at resolved
	at.path = "/"
	todo := split(p)
	for links := 0; len(todo) > 0; {
		name := todo[0]
		todo = todo[1:]
		switch name {
		case ".":
			continue
		case "..":
			at = at.parent()
			continue
		}
		next := path.Join(at.path, name)
		info, err := r.tree.Lstat(ctx, next)
		if err != nil {
			return resolved{}, err
		}
		switch {
		case info == nil:
			at = at.child(next, Info{Mode: fs.ModeDir | r.mode})
		case info.Mode.IsDir():
			at = at.child(next, *info)
		case info.Mode&fs.ModeSymlink != 0:
			if links++; links > maxLinks {
				return resolved{}, fmt.Errorf("%s goes through more than %d symbolic links in the image below", p, maxLinks)
			}
			if path.IsAbs(info.Target) {
				at = resolved{path: "/"}
			}
			todo = append(split(info.Target), todo...)
		default:
			return resolved{}, fmt.Errorf("%s is not a directory in the image below", next)
		}
	}
	return at, nil
}

func (d resolved) child(p string, info Info) resolved {
	return resolved{path: p, dirs: append(slices.Clip(d.dirs), Entry{Path: p, Info: info})}
}

func (d resolved) parent() resolved {
	if len(d.dirs) == 0 {
		return d
	}
	return resolved{path: path.Dir(d.path), dirs: d.dirs[:len(d.dirs)-1]}
}

func split(p string) []string {
	return strings.FieldsFunc(p, func(r rune) bool { return r == '/' })
}
