package folder

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// Check compares a directory with what Write would make of it and returns the difference as a unified diff, from what is there to what
// should be; nothing when there is none. Directories do not count, and of a file's mode only whether it is executable.
func Check(dir string, files []File) (difference string, err error) {
	all, err := withNote(files)
	if err != nil {
		return "", err
	}
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no directory %s", dir)
	}
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	there, err := present(root)
	if err != nil {
		return "", err
	}
	wanted := map[string]*File{}
	names := there
	for i, f := range all {
		wanted[f.Path] = &all[i]
		names = append(names, f.Path)
	}
	slices.Sort(names)
	var out strings.Builder
	for _, name := range slices.Compact(names) {
		var is *File
		if slices.Contains(there, name) {
			f, _, err := read(root, name)
			if err != nil {
				return "", err
			}
			is = &f
		}
		out.WriteString(compare(filepath.Join(dir, name), is, wanted[name]))
	}
	return out.String(), nil
}

// compare writes the difference between what a file is and what it should be; nil stands for no file.
func compare(name string, is, should *File) string {
	const none = "/dev/null"
	from, to := name, name
	var before, after File
	switch {
	case is == nil:
		from, after = none, *should
	case should == nil:
		to, before = none, *is
	case is.equal(*should):
		return ""
	default:
		before, after = *is, *should
	}
	var note string
	if is != nil && should != nil && is.Mode != should.Mode {
		note = fmt.Sprintf("%s: it is %s and should be %s\n", name, kind(before), kind(after))
	}
	old, new := before.text(), after.text()
	switch {
	case isBinary(old) || isBinary(new):
		return note + fmt.Sprintf("binary files %s and %s differ\n", from, to)
	case bytes.Equal(old, new) && note == "": // an empty file that is missing, or there
		return fmt.Sprintf("--- %s\n+++ %s\n", from, to)
	}
	text := string(diff.Diff(from, old, to, new))
	// The first line names both files once more.
	_, text, _ = strings.Cut(text, "\n")
	return note + text
}

// text is what a diff shows of a file.
func (f File) text() []byte {
	if f.isLink() {
		return []byte("-> " + f.Target + "\n")
	}
	return f.Data
}

func kind(f File) string {
	switch {
	case f.isLink():
		return "a symbolic link"
	case f.Mode&0o111 != 0:
		return "executable"
	}
	return "a plain file"
}

// isBinary says whether a file is one that no diff can show, by the measure that git takes.
func isBinary(data []byte) bool { return bytes.IndexByte(data[:min(len(data), 8000)], 0) >= 0 }
