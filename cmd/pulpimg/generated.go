package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// writeGenerated writes a generated file, also in place of an older one that was edited since. What is there and is not ours, which may
// be written by hand, is left alone unless it may be overwritten.
func writeGenerated(file string, data []byte, ours func(data []byte) bool, overwrite bool) error {
	info, err := os.Stat(file) // of what a link leads to
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return replaceFile(file, data, 0o644)
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return usageError{fmt.Errorf("--output %s: it is no file; without --output, the result is printed", file)}
	}
	if !overwrite {
		if err := checkOurs(file, ours); err != nil {
			return err
		}
	}
	if file, err = filepath.EvalSymlinks(file); err != nil {
		return err
	}
	return replaceFile(file, data, info.Mode().Perm())
}

// markLength bounds what is read of a file to see whether it is ours.
const markLength = 4096

func checkOurs(file string, ours func(data []byte) bool) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, markLength))
	if err != nil {
		return err
	}
	if len(data) > 0 && !ours(data) {
		return usageError{fmt.Errorf("--output %s: pulpimg did not write this file: give another name, or overwrite it with --force", file)}
	}
	return nil
}

// replaceFile writes a file by rename, so that it has its mode from the start and is never half there.
func replaceFile(name string, data []byte, mode fs.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), ".pulpimg-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // in vain, when it was renamed
	_, err = tmp.Write(data)
	if err := errors.Join(err, tmp.Chmod(mode), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}
