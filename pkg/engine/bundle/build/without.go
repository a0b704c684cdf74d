package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// notLinux is the line that makes a file one for systems other than Linux.
// https://pkg.go.dev/cmd/go#hdr-Build_constraints
var notLinux = []byte("//go:build !linux\n")

// leaving is this file: it decides over the bytes of a program, as its sources do.
//
//go:embed without.go
var leaving string

// withoutPackage returns the source in a folder of its own within tmp, with a copy of its module whose package s.without is the one for
// systems other than Linux. A module that keeps a feature to Linux has such a package, and knows how to do without the feature.
func (s source) withoutPackage(ctx context.Context, tmp string) (source, error) {
	out, err := s.goCommand(ctx, "list", "-find", "-f", "{{.Module.Dir}}", s.pkg) // with -m it would not download the module
	if err != nil {
		return s, err
	}
	dir := filepath.Join(tmp, "source")
	if err := os.CopyFS(dir, os.DirFS(s.dir)); err != nil {
		return s, err
	}
	s.dir = dir
	const copied = "module"
	module := filepath.Join(dir, copied)
	if err := os.CopyFS(module, os.DirFS(strings.TrimSpace(string(out)))); err != nil {
		return s, err
	}
	if err := asElsewhere(filepath.Join(module, filepath.FromSlash(s.without))); err != nil {
		return s, err
	}
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
