//go:build linux

package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// load reads a settings file.
func load(name string) (*target, error) {
	path, err := filepath.EvalSymlinks(name)
	if err != nil {
		return nil, explain(name, err)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, explain(name, err)
	case info.IsDir():
		return nil, fmt.Errorf("%s is a directory, which is what a mount becomes if the host has no such file: mount a file that the host has", name)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file: mount one there", name)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, explain(name, err)
	}
	if at := bytes.IndexByte(content, 0); at >= 0 { // Augeas reads a file as a string of C
		before := content[:at]
		return nil, &parseError{name, 1 + bytes.Count(before, []byte("\n")), at - bytes.LastIndexByte(before, '\n')}
	}
	return &target{name: name, path: path, info: info, old: content, new: content}, nil
}

// explain says what kept a settings file from being read or written, and what to do.
func explain(name string, err error) error {
	var number syscall.Errno
	if errors.As(err, &number) {
		err = number // without the names of files that are ours
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s cannot be read: %w: install the package that it belongs to, or mount it", name, err)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%s cannot be written: %w: mount the file so that it can be written", name, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s cannot be read and written: %w: start the container as a user who may do that", name, err)
	}
	return fmt.Errorf("%s cannot be written: %w", name, err)
}
