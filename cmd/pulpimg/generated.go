package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pulpimg/pulpimg/internal/atomicfile"
)

// writeGenerated writes a generated file, also in place of an older one that was edited since. What is there and is not ours, which may
// be written by hand, is left alone unless it may be overwritten.
func writeGenerated(file string, data []byte, ours func(data []byte) bool, overwrite bool) error {
	info, err := os.Stat(file) // of what a link leads to
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return atomicfile.Write(file, data, 0o644)
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
	return atomicfile.Write(file, data, info.Mode().Perm())
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
