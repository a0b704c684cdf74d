package cachedir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxLinks bounds the symbolic links that are followed for one path, as Linux does (path_resolution(7)).
const maxLinks = 40

// An UnsafeError reports that another user could replace files in a directory.
type UnsafeError struct {
	// Dir is the directory that was to be used.
	Dir string
	// At is the path that another user can change, and Reason is why.
	At, Reason string
}

func (e *UnsafeError) Error() string {
	return fmt.Sprintf("%s is no safe place for the cache: %s %s, so another user could exchange what pulpimg runs and publishes from there; "+
		"set XDG_CACHE_HOME to a directory of your own (with sudo: -H instead of -E)", e.Dir, e.At, e.Reason)
}

// Check returns the real path of a directory, which need not be there yet. The error is an [UnsafeError] unless everything on the way
// to it, symbolic links and what they lead through included, belongs to root or to this user and can be changed by nobody else.
func Check(dir string) (string, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("checking the cache directory: %w", err)
	}
	w := walk{dir: absolute, todo: parts(absolute)}
	if err := w.here(); err != nil {
		return "", err
	}
	for len(w.todo) > 0 {
		if err := w.step(); err != nil {
			return "", err
		}
	}
	return w.at, nil
}

// CheckOwn checks directories of the cache that only pulpimg creates. They must be safe, and none may be a symbolic link, because pulpimg
// would empty the link's target or change its mode. A directory that does not exist is fine.
func CheckOwn(dirs ...string) error {
	for _, dir := range dirs {
		info, err := os.Lstat(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("checking the cache directory: %w", err)
		}
		if !info.IsDir() {
			return &UnsafeError{Dir: dir, At: dir, Reason: "is " + kind(info) + " and not a directory"}
		}
		if reason := unsafe(info); reason != "" {
			return &UnsafeError{Dir: dir, At: dir, Reason: reason}
		}
	}
	return nil
}

func kind(info fs.FileInfo) string {
	if info.Mode()&fs.ModeSymlink != 0 {
		return "a symbolic link"
	}
	return "a file"
}

// A walk follows a path from the root down.
type walk struct {
	dir   string // as it was asked for
	at    string // the real path so far; empty at the root
	todo  []string
	links int
	gone  bool // what is at the path so far is not there
}

func parts(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == filepath.Separator })
}

// step follows one part of the path.
func (w *walk) step() error {
	name := w.todo[0]
	w.todo = w.todo[1:]
	switch name {
	case ".":
		return nil
	case "..":
		w.at = filepath.Dir(w.at)
		return nil
	}
	next := filepath.Join(w.root(), name)
	info, err := os.Lstat(next)
	switch {
	case w.gone || errors.Is(err, fs.ErrNotExist):
		w.at, w.gone = next, true
		return nil
	case err != nil:
		return fmt.Errorf("checking the cache directory %s: %w", w.dir, err)
	case info.Mode()&fs.ModeSymlink != 0:
		return w.follow(next, info)
	}
	w.at = next
	return w.here()
}

func (w *walk) root() string {
	if w.at == "" {
		return string(filepath.Separator)
	}
	return w.at
}

// follow follows a symbolic link. In a sticky directory such as /tmp, anybody can make one.
func (w *walk) follow(link string, info fs.FileInfo) error {
	if reason := foreign(info); reason != "" {
		return &UnsafeError{Dir: w.dir, At: link, Reason: reason}
	}
	if w.links++; w.links > maxLinks {
		return fmt.Errorf("checking the cache directory %s: it goes through more than %d symbolic links", w.dir, maxLinks)
	}
	target, err := os.Readlink(link)
	if err != nil {
		return fmt.Errorf("checking the cache directory %s: %w", w.dir, err)
	}
	if filepath.IsAbs(target) {
		w.at = ""
	}
	w.todo = append(parts(target), w.todo...)
	return nil
}

// here checks the directory that the walk has reached.
func (w *walk) here() error {
	info, err := os.Lstat(w.root())
	if err != nil {
		return fmt.Errorf("checking the cache directory %s: %w", w.dir, err)
	}
	if reason := unsafe(info); reason != "" {
		return &UnsafeError{Dir: w.dir, At: w.root(), Reason: reason}
	}
	return nil
}
