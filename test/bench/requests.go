package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// What pulpimg may ask the registry for each image of a large family.
const (
	firstRequests = 17.5
	againRequests = 1.1
)

// measureRequests counts the requests of publishing a base and 1,000 roles, each with a small layer of its own: first, and again after
// nothing changed.
func measureRequests(ctx context.Context, b bench, found *findings) (err error) {
	const roles = 1000
	dir := filepath.Join(b.dir, "requests")
	w := newWire()
	defer func() { err = errors.Join(err, w.Close()) }()
	s, err := through(w, dir, b.lab)
	if err != nil {
		return err
	}
	f, err := smallRoles(dir, roles)
	if err != nil {
		return err
	}
	ours := pulpimg(dir, s, b.newPlace())
	for _, turn := range []struct {
		what string
		most float64
	}{{"first publication", firstRequests}, {"nothing changed", againRequests}} {
		fmt.Fprintf(os.Stderr, "bench: %d images, %s\n", roles+1, turn.what)
		w.take()
		took, err := ours.build(ctx, f)
		if err != nil {
			return err
		}
		seen := w.take()
		fmt.Fprintf(os.Stderr, "bench:   %d requests in %s: %s\n", len(seen), milliseconds(took), seen.kinds())
		found.amounts = append(found.amounts, amount{
			what:    fmt.Sprintf("requests for each of %d images, %s", roles+1, turn.what),
			pulpimg: float64(len(seen)) / (roles + 1),
			most:    turn.most,
		})
	}
	return nil
}

// smallRoles writes a family on the lab's base with n roles, each of which adds a file of its own.
func smallRoles(dir string, n int) (family, error) {
	f := family{base: "small-base", spec: filepath.Join(dir, "pulpimg.yaml")}
	files := writer{dir: dir}
	text := new(strings.Builder)
	text.WriteString("version: 1\nname: small\nregistry: docker.io/bench\ntag: \"2.4\"\nimages:\n" +
		"  small-base:\n    from: \"docker.io/library/fedora:20\"\n    steps:\n      - files: { from: base, to: /srv/base }\n")
	files.put("base/file", []byte("base\n"), 0o644)
	for i := range n {
		role := fmt.Sprintf("role-%04d", i+1)
		f.roles = append(f.roles, role)
		fmt.Fprintf(text, "  %[1]s:\n    from: small-base\n    steps:\n      - files: { from: %[1]s, to: /srv/role }\n", role)
		files.put(role+"/file", []byte(role+"\n"), 0o644)
	}
	files.put("pulpimg.yaml", []byte(text.String()), 0o644)
	return f, files.err
}
