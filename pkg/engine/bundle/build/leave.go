package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// notLinux is the line that makes a file one for systems other than Linux.
// https://pkg.go.dev/cmd/go#hdr-Build_constraints
var notLinux = []byte("//go:build !linux\n")

// leave returns the source in a folder of its own within tmp, with a copy of its module whose package s.without is the one for systems
// other than Linux. A module that keeps a feature to Linux has such a package, and knows how to do without the feature.
func (s source) leave(ctx context.Context, tmp string) (source, error) {
	const copied = "module"
	out, err := s.goCommand(ctx, "list", "-find", "-f", "{{.Module.Dir}}", s.pkg) // with -m it would not download the module
	if err != nil {
		return s, err
	}
	dir := filepath.Join(tmp, "source")
	module := filepath.Join(dir, copied)
	if err := copyFiles(module, strings.TrimSpace(string(out))); err != nil {
		return s, err
	}
	if err := asElsewhere(filepath.Join(module, filepath.FromSlash(s.without))); err != nil {
		return s, err
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		if err := copyFile(filepath.Join(dir, name), filepath.Join(s.dir, name)); err != nil {
			return s, err
		}
	}
	s.dir = dir
	// By its relative path: it is written into the program, which must not depend on where it was built.
	_, err = s.goCommand(ctx, "mod", "edit", "-replace", s.module+"=./"+copied)
	return s, err
}

// asElsewhere makes a package the one that systems other than Linux have.
func asElsewhere(pkg string) error {
	files, err := filepath.Glob(filepath.Join(pkg, "*.go"))
	if err != nil {
		return err
	}
	linux, elsewhere := 0, 0
	for _, name := range files {
		if strings.HasSuffix(name, "_linux.go") {
			linux++
			if err := os.Remove(name); err != nil {
				return err
			}
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if rest, ok := bytes.CutPrefix(text, notLinux); ok {
			elsewhere++
			if err := os.WriteFile(name, rest, 0o644); err != nil {
				return err
			}
		}
	}
	if linux == 0 || elsewhere == 0 {
		return errors.New("it has no files for Linux, or none for other systems: see whether it is still worth leaving out")
	}
	return nil
}

func copyFiles(to, from string) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		case d.Type().IsRegular():
			return copyFile(target, name)
		}
		return fmt.Errorf("%s is neither a file nor a directory", name)
	})
}

func copyFile(to, from string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o644)
}
