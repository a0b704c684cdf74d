// Package familytest resolves specs for tests of what works on families. No product imports it.
package familytest

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// empty has an asset of every name, with nothing in it.
type empty struct{}

// Open implements [fs.FS].
func (empty) Open(name string) (fs.File, error) { return fstest.MapFS{name: {}}.Open(name) }

// Assets returns assets of every name, with nothing in them.
func Assets() fs.FS { return empty{} }

// Load resolves the spec in a file. All built-in assets are there, with nothing in them.
func Load(t testing.TB, file string) *family.Family {
	t.Helper()
	s, err := spec.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	f, err := family.Resolve(s, family.Options{Dir: filepath.Dir(file), Assets: Assets()})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Parse resolves a spec, which is called f.yaml.
func Parse(t testing.TB, yaml string) *family.Family {
	t.Helper()
	file := filepath.Join(t.TempDir(), "f.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	f := Load(t, file)
	f.Spec.Filename = "f.yaml"
	return f
}

// Digests returns a reference by a digest for each image of a family.
func Digests(f *family.Family) map[string]string {
	out := map[string]string{}
	for i, image := range f.Images {
		out[image.Name] = f.Registries[0] + "/" + image.Name + "@sha256:" + strings.Repeat(string(rune('a'+i)), 64)
	}
	return out
}

// Specs returns the files of the specs that come with the project, and of one that uses all that a spec can say under kubernetes. The
// root of the project is where it is seen from the test.
func Specs(t testing.TB, root string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "specs", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no specs in %s: %v", root, err)
	}
	return append(files, filepath.Join(root, "pkg", "render", "kubernetes", "testdata", "everything.spec.yaml"))
}
