package parity

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// same builds a family both ways and compares the images.
func same(t *testing.T, f *family.Family) {
	t.Helper()
	one, two := direct(t, f), byDockerfiles(t, f)
	for _, source := range f.Published() {
		compare(t, source, one[source.Name], two[source.Name])
	}
}

func TestParity_specs(t *testing.T) {
	files, err := filepath.Glob("../../specs/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no specs: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			variables := map[string]string{}
			if filepath.Base(file) == "pulp-el7.yaml" {
				variables = map[string]string{"vault": on.lab.Vault, "epel": on.lab.EPEL, "epel_key": on.lab.EPELKey}
			}
			same(t, resolve(t, file, variables))
		})
	}
}

// Each file of testdata is a spec with the files that it copies. A name that ends in a slash is an empty directory, NAME -> TARGET a
// symbolic link, and what begins with #! is executable.
func TestParity_awkward(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no specs: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			same(t, resolve(t, unpack(t, file), nil))
		})
	}
}

// unpack returns the spec of an archive.
func unpack(t *testing.T, file string) string {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range archive.Files {
		if err := place(dir, f.Name, f.Data); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "pulpimg.yaml")
}

func place(dir, name string, data []byte) error {
	name, target, link := strings.Cut(name, " -> ")
	at := filepath.Join(dir, name)
	if strings.HasSuffix(name, "/") {
		return os.MkdirAll(at, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	if link {
		return os.Symlink(target, at)
	}
	mode := os.FileMode(0o644)
	if bytes.HasPrefix(data, []byte("#!")) {
		mode = 0o755
	}
	return os.WriteFile(at, data, mode)
}
