package layer

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
)

// A File is a file to put into a layer. Its path is as the image's users see it: the parents may be symbolic links.
type File struct {
	// Path is absolute and clean.
	Path string
	// Mode holds the type bits (regular, directory or symbolic link) and the permissions.
	Mode fs.FileMode
	// UID and GID are whom the file belongs to. A directory that exists already keeps its owner.
	UID, GID int
	// Target is a symbolic link's target.
	Target string
	// Xattrs are the extended attributes by name.
	Xattrs map[string]string
	// Open opens a regular file's content.
	Open func() (io.ReadCloser, error)
	// Source is the file on disk that Open opens, or nil when the content is not on disk.
	Source Source
	// Known is what is known of the content before it is read, or nil.
	Known *Known
	// Links is the same number, other than 0, for the files of a layer that are hard links of one another.
	Links int
}

// Known is the size of a content in bytes, and its digest.
type Known struct {
	Size   int64
	SHA256 [sha256.Size]byte
}

// A Source is a file on disk.
type Source interface {
	// File returns a folder, the file's name below it, and the file's information from when it was found.
	File() (folder, name string, info fs.FileInfo)
}

// An Entry is one entry of a layer, named by its real path.
type Entry struct {
	Path string
	Info
	// Open opens a regular file's content; it is nil for other entries.
	Open func() (io.ReadCloser, error)
	// Source and Known are as in File.
	Source Source
	Known  *Known
	// Link is the path of an entry before this one that this one is a hard link of, or empty.
	Link string

	links int // as in File
}

// newDirMode is the mode of parent directories that a layer makes for its files.
const newDirMode fs.FileMode = 0o755

// Entries returns the entries of a layer that puts files on a tree, sorted by path: each file by its real path and every directory
// above it with the attributes it has there. Directories that are not there yet belong to root and have mode 0755.
func Entries(ctx context.Context, below Tree, files []File) ([]Entry, error) {
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = f.Path
	}
	prefetch(ctx, below, paths)
	r := resolver{tree: below, mode: newDirMode}
	var (
		out    = make([]Entry, 0, len(files))
		index  = make(map[string]int, len(files))    // of the entries in out, by real path
		asked  = make(map[string]string, len(files)) // the paths of files, by real path
		in     string                                // the directory of the last file
		parent resolved
		err    error
	)
	add := func(e Entry, replace bool) {
		if at, ok := index[e.Path]; !ok {
			index[e.Path] = len(out)
			out = append(out, e)
		} else if replace {
			out[at] = e
		}
	}
	for _, f := range files {
		if dir := path.Dir(f.Path); dir != in {
			if parent, err = r.dir(ctx, dir); err != nil {
				return nil, fmt.Errorf("finding the place of %s: %w", f.Path, err)
			}
			for _, d := range parent.dirs {
				add(d, false)
			}
			in = dir
		}
		realPath := path.Join(parent.path, path.Base(f.Path))
		if other, ok := asked[realPath]; ok && other != f.Path && !(f.Mode.IsDir() && out[index[realPath]].Mode.IsDir()) {
			return nil, fmt.Errorf("%s and %s are the same file in the image below, %s", other, f.Path, realPath)
		}
		asked[realPath] = f.Path
		entry, err := r.entry(ctx, realPath, f)
		if err != nil {
			return nil, err
		}
		add(entry, true)
	}
	slices.SortFunc(out, func(a, b Entry) int { return cmp.Compare(a.Path, b.Path) })
	return linked(out), nil
}

// linked makes hard links of entries that are one file: all but the first.
func linked(entries []Entry) []Entry {
	first := map[int]string{}
	for i, e := range entries {
		if e.links == 0 || !e.Mode.IsRegular() {
			continue
		}
		if to, ok := first[e.links]; ok {
			entries[i].Link, entries[i].Open, entries[i].Source, entries[i].Known = to, nil, nil, nil
			continue
		}
		first[e.links] = e.Path
	}
	return entries
}

// entry returns the entry of the file itself. A directory that exists already stays as it is.
func (r resolver) entry(ctx context.Context, realPath string, f File) (Entry, error) {
	e := Entry{
		Path: realPath, Info: Info{Mode: f.Mode, UID: f.UID, GID: f.GID, Target: f.Target, Xattrs: f.Xattrs},
		Open: f.Open, Source: f.Source, Known: f.Known, links: f.Links,
	}
	if !f.Mode.IsDir() && !f.Mode.IsRegular() && f.Mode.Type() != fs.ModeSymlink {
		return Entry{}, fmt.Errorf("%s is neither a file, a directory nor a symbolic link", f.Path)
	}
	below, err := r.tree.Lstat(ctx, realPath)
	if err != nil {
		return Entry{}, fmt.Errorf("finding the place of %s: %w", f.Path, err)
	}
	sticky := f.Mode.IsDir() && f.Mode&fs.ModeSticky != 0
	switch {
	case below == nil:
		return e, nil
	case sticky && below.Mode.IsDir():
		// Everybody shall be able to write into it, so an existing directory gets the mode, too.
		e.Info = *below
		e.Mode = f.Mode
	case sticky && below.Mode&fs.ModeSymlink != 0:
		return Entry{}, fmt.Errorf("%s is a directory with the sticky bit in the step and a symbolic link in the image below", f.Path)
	case f.Mode.IsDir() && below.Mode&fs.ModeSymlink != 0:
		// The link stays: a link to a directory serves as one.
		e.Info = *below
	case f.Mode.IsDir() && below.Mode.IsDir():
		e.Info = *below
	case f.Mode.IsDir() != below.Mode.IsDir():
		return Entry{}, fmt.Errorf("%s is a %s in the step and a %s in the image below", f.Path, kind(f.Mode), kind(below.Mode))
	}
	return e, nil
}

func kind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "directory"
	case m&fs.ModeSymlink != 0:
		return "symbolic link"
	default:
		return "file"
	}
}
