package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
)

// hostname is what editScript changes in the start script of pulp-worker.
const hostname = "reserved_resource_worker-0@%h"

// editable is the family of specs/pulp.yaml with a spec of its own and contexts of its own, which editScript changes.
func editable(dir string) (family, error) {
	f := pulp(dir)
	f.spec, f.bake = filepath.Join(dir, "edited.yaml"), filepath.Join(dir, "edited")
	spec, err := os.ReadFile(specFile)
	if err != nil {
		return family{}, err
	}
	return f, os.WriteFile(f.spec, spec, 0o644)
}

// editScript gives both tools the same start script of a role, other than any before: its spec says another name, and what pulpimg generates
// of that has the name in the same place.
func editScript(f family) error {
	spec, err := os.ReadFile(specFile)
	if err != nil {
		return err
	}
	script := filepath.Join(f.bake, worker, "start")
	original := script + ".original" // which no instruction copies
	if _, err := os.Stat(original); err != nil {
		if err := os.Rename(script, original); err != nil {
			return err
		}
	}
	start, err := os.ReadFile(original)
	if err != nil {
		return err
	}
	name := []byte(rand.Text() + "@%h")
	for _, in := range [][]byte{spec, start} {
		if bytes.Count(in, []byte(hostname)) != 1 {
			return fmt.Errorf("%s, or the start script made of it, no longer has %q once", specFile, hostname)
		}
	}
	if err := os.WriteFile(f.spec, bytes.Replace(spec, []byte(hostname), name, 1), 0o644); err != nil {
		return err
	}
	return os.WriteFile(script, bytes.Replace(start, []byte(hostname), name, 1), 0o755)
}
