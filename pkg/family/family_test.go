package family_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// head is the beginning of a spec; what a test adds begins in line 5.
const head = "version: 1\nname: f\nregistry: r.example/f\ntag: \"1\"\n"

// builtIn are assets as a pulpimg has them.
func builtIn() fstest.MapFS {
	return fstest.MapFS{
		"pulpconf.aug":                   {Data: []byte("module PulpConf =\n")},
		"helper/pulp-helper-linux-amd64": {Data: []byte("helper for amd64")},
		"helper/pulp-helper-linux-arm64": {Data: []byte("helper for arm64")},
	}
}

// resolve resolves a spec in an empty folder and with built-in files for tests, unless the options name others.
func resolve(t testing.TB, text string, opts family.Options) (*family.Family, error) {
	t.Helper()
	s, err := spec.Parse("f.yaml", []byte(text))
	if err != nil {
		return nil, err
	}
	if opts.Dir == "" {
		opts.Dir = t.TempDir()
	}
	if opts.Assets == nil {
		opts.Assets = builtIn()
	}
	return family.Resolve(s, opts)
}

func mustResolve(t testing.TB, text string, opts family.Options) *family.Family {
	t.Helper()
	f, err := resolve(t, text, opts)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// write puts files into a folder, with the directories above them.
func write(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// image returns an image that has to be there.
func image(t testing.TB, f *family.Family, name string) *family.Image {
	t.Helper()
	i, ok := f.Image(name)
	if !ok {
		t.Fatalf("the family has no image %s", name)
	}
	return i
}

// content returns what a file of a Files step holds.
func content(t testing.TB, f family.File, arch string) string {
	t.Helper()
	r, err := f.Content.Open(arch)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// startScript returns the start script of an image.
func startScript(t testing.TB, i *family.Image) string {
	t.Helper()
	last, ok := i.Steps[len(i.Steps)-1].(family.Files)
	if !ok || last.Title() != "start script" {
		t.Fatalf("%s ends with the step %q", i.Name, i.Steps[len(i.Steps)-1].Title())
	}
	return content(t, last.Files[0], "amd64")
}

func names(f *family.Family) string {
	var out []string
	for _, i := range f.Images {
		out = append(out, i.Name)
	}
	return strings.Join(out, " ")
}
