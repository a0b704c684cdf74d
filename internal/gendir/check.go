package gendir

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// Check compares a directory with what Write would make of it and returns the difference as a unified diff, from what is there to what
// should be; nothing when there is none. It ignores directories, and compares of a file's mode only whether it is executable.
func (d Folder) Check(ctx context.Context, files []File) (difference string, err error) {
	all, err := d.withNote(files)
	if err != nil {
		return "", err
	}
	root, err := os.OpenRoot(d.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no directory %s", d.Dir)
	}
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	if _, err := d.noted(root); err != nil {
		return "", err
	}
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
		text, err := compare(ctx, filepath.Join(d.Dir, name), is, wanted[name])
		if err != nil {
			return "", fmt.Errorf("comparing %s: %w", name, err)
		}
		out.WriteString(text)
	}
	return out.String(), nil
}

// compare returns the difference between what a file is and what it should be; nil stands for no file.
func compare(ctx context.Context, name string, is, should *File) (string, error) {
	const none = "/dev/null"
	from, to := name, name
	var before, after File
	switch {
	case is == nil:
		from, after = none, *should
	case should == nil:
		to, before = none, *is
	default:
		before, after = *is, *should
		if same, err := is.equal(ctx, *should); same || err != nil {
			return "", err
		}
	}
	var note string
	if is != nil && should != nil && is.Mode != should.Mode {
		note = fmt.Sprintf("%s: it is %s and should be %s\n", name, kind(before), kind(after))
	}
	old, plain, err := before.text(ctx)
	if err != nil {
		return "", err
	}
	wanted, alsoPlain, err := after.text(ctx)
	if err != nil {
		return "", err
	}
	switch {
	case !plain || !alsoPlain:
		return note + fmt.Sprintf("binary files %s and %s differ\n", from, to), nil
	case bytes.Equal(old, wanted) && note == "": // an empty file that is missing, or there
		return fmt.Sprintf("--- %s\n+++ %s\n", from, to), nil
	}
	text := string(diff.Diff(from, old, to, wanted))
	// The first line names both files once more.
	_, text, _ = strings.Cut(text, "\n")
	return note + text, nil
}

// maxShown is the largest file that a diff shows.
const maxShown = 1 << 20

// text returns what a diff shows of a file. It returns false for a file that no diff can show.
func (f File) text(ctx context.Context) ([]byte, bool, error) {
	if f.isLink() {
		return []byte("-> " + f.Target + "\n"), true, nil
	}
	content, err := f.Content()
	if err != nil {
		return nil, false, err
	}
	data, err := io.ReadAll(io.LimitReader(until{ctx, content}, maxShown+1))
	if err := errors.Join(err, content.Close()); err != nil {
		return nil, false, err
	}
	return data, len(data) <= maxShown && !isBinary(data), nil
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

// isBinary reports whether a file is binary, by git's rule: it has a NUL byte near its beginning.
func isBinary(data []byte) bool { return bytes.IndexByte(data[:min(len(data), 8000)], 0) >= 0 }
