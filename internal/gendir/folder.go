package gendir

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// A Folder is a directory of generated files.
type Folder struct {
	Dir string
	// Holds says what the files are, and whose: "the Dockerfiles of pulp". What holds something else is left alone.
	Holds string
}

// A File is one generated file.
type File struct {
	// Path is relative to the directory, clean, with slashes.
	Path string
	// Mode is 0644, 0755 or that of a symbolic link.
	Mode fs.FileMode
	// Data is a regular file's content.
	Data []byte
	// Open opens a regular file's content, if Data does not hold it: a large file does not have to be in memory.
	Open func() (io.ReadCloser, error)
	// Target is a symbolic link's target.
	Target string
}

func (f File) isLink() bool { return f.Mode&fs.ModeSymlink != 0 }

// Content opens a regular file's content, whether it is in memory or not.
func (f File) Content() (io.ReadCloser, error) {
	if f.Open != nil {
		return f.Open()
	}
	return io.NopCloser(bytes.NewReader(f.Data)), nil
}

// noteFile is the note. It is one of the generated files.
const noteFile = ".pulpimg.json"

type note struct {
	Comment string `json:"comment"`
	// Holds is what the folder holds. Older notes do not say it.
	Holds string   `json:"holds,omitempty"`
	Files []string `json:"files"`
}

// withNote returns files with the note about them, sorted by path.
func (d Folder) withNote(files []File) ([]File, error) {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	var paths []string
	for _, f := range files {
		paths = append(paths, f.Path)
	}
	data, err := d.marshalNote(paths)
	return append(files, File{Path: noteFile, Mode: 0o644, Data: data}), err
}

func (d Folder) marshalNote(paths []string) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(note{Comment: "The files that pulpimg wrote here. When it writes again, it replaces and removes these and no others.", Holds: d.Holds, Files: paths})
	return b.Bytes(), err
}

// A ForeignError says that a directory holds files that were not generated.
type ForeignError struct {
	Dir   string
	Files []string // sorted
}

func (e *ForeignError) Error() string {
	const shown = 3
	names := strings.Join(e.Files[:min(shown, len(e.Files))], ", ")
	if more := len(e.Files) - shown; more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("%s contains files that pulpimg did not write (%s): move them away, or name another directory", e.Dir, names)
}

// An OtherError says that a directory holds generated files of something else.
type OtherError struct{ Dir, Holds string }

func (e *OtherError) Error() string {
	return fmt.Sprintf("%s holds %s: name another directory, or remove this one first", e.Dir, e.Holds)
}

// present returns the paths of everything in a directory, except directories.
func present(root *os.Root) ([]string, error) {
	var out []string
	err := fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			out = append(out, name)
		}
		return err
	})
	return out, err
}

// noted returns the paths that a directory's note names, and the note's own. A note of something else is an [OtherError].
func (d Folder) noted(root *os.Root) (map[string]bool, error) {
	data, err := root.ReadFile(noteFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var n note
	if err := json.Unmarshal(data, &n); err != nil {
		return nil, fmt.Errorf("reading %s: %w", noteFile, err)
	}
	if n.Holds != "" && n.Holds != d.Holds {
		return nil, &OtherError{Dir: d.Dir, Holds: n.Holds}
	}
	out := map[string]bool{noteFile: true, temporary: true}
	for _, name := range n.Files {
		out[name] = true
	}
	return out, nil
}

// read returns what a directory has at a path: a file or a symbolic link. It returns false when there is neither.
func read(root *os.Root, name string) (File, bool, error) {
	info, err := root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return File{}, false, nil
	case err != nil:
		return File{}, false, err
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := root.Readlink(name)
		return File{Path: name, Mode: fs.ModeSymlink | 0o777, Target: target}, true, err
	case !info.Mode().IsRegular():
		return File{}, false, fmt.Errorf("%s is neither a file nor a symbolic link", name)
	}
	mode := fs.FileMode(0o644)
	if info.Mode()&0o111 != 0 { // all that a version control system keeps
		mode = 0o755
	}
	return File{Path: name, Mode: mode, Open: func() (io.ReadCloser, error) { return root.Open(name) }}, true, nil
}

// equal reports whether two files are the same, content and all.
func (f File) equal(ctx context.Context, other File) (bool, error) {
	if f.isLink() || other.isLink() {
		return f.isLink() == other.isLink() && f.Target == other.Target, nil
	}
	if f.Mode != other.Mode {
		return false, nil
	}
	return sameContent(ctx, f, other)
}

// parents returns the directories above a path, the outermost first.
func parents(name string) []string {
	var out []string
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		out = append(out, dir)
	}
	slices.Reverse(out)
	return out
}
