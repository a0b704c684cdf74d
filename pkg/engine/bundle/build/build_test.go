package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/engine/bundle"
)

// hello is a program that compiles fast.
func hello(t *testing.T) source {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module hello\n")
	write(t, filepath.Join(dir, "main.go"), "package main\n\nfunc main() { println(`hello`) }\n")
	return source{name: "hello", dir: dir, pkg: ".", env: []string{"GOOS=linux", "GOARCH=" + runtime.GOARCH, "CGO_ENABLED=0", "GOWORK=off"}, ldflags: "-s -w -buildid="}
}

// A program is built again only if its inputs change.
func TestUpdate_sameInputs(t *testing.T) {
	s, bin := hello(t), t.TempDir()
	packed := filepath.Join(bin, "hello.zst")
	var m bundle.Manifest
	for _, step := range []struct {
		name    string
		prepare func()
		builds  bool
	}{
		{"first", func() {}, true},
		{"again", func() {}, false},
		{"other source", func() { write(t, filepath.Join(s.dir, "main.go"), "package main\n\nfunc main() {}\n") }, true},
		{"other flags", func() { s.ldflags = "-s" }, true},
		{"the file gone", func() { must(t, os.Remove(packed)) }, true},
		{"the file cut short", func() { must(t, os.Truncate(packed, 10)) }, true},
		{"again", func() {}, false},
	} {
		step.prepare()
		var log strings.Builder
		p, err := s.update(context.Background(), bin, m, &log)
		must(t, err)
		if built := log.Len() > 0; built != step.builds {
			t.Errorf("%s: built %t, want %t", step.name, built, step.builds)
		}
		m = bundle.Manifest{Programs: []bundle.Program{p}}
	}
}

// Equal inputs give equal bytes in any folder.
func TestUpdate_reproducible(t *testing.T) {
	var programs []bundle.Program
	var packed []string
	for range 2 {
		bin := t.TempDir()
		p, err := hello(t).update(context.Background(), bin, bundle.Manifest{}, io.Discard)
		must(t, err)
		p.Inputs = "" // names the folder's files alone, but that is not what is tested
		text, err := os.ReadFile(filepath.Join(bin, "hello.zst"))
		must(t, err)
		programs, packed = append(programs, p), append(packed, string(text))
	}
	if diff := cmp.Diff(programs[0], programs[1]); diff != "" {
		t.Errorf("the programs differ:\n%s", diff)
	}
	if packed[0] != packed[1] {
		t.Error("the compressed files differ")
	}
}

// withFeature is a program that uses a feature of a module.
func withFeature(t *testing.T, linuxFile string) source {
	t.Helper()
	s := hello(t)
	write(t, filepath.Join(s.dir, "go.mod"), "module hello\n\nrequire example.com/dep v0.0.0\n\nreplace example.com/dep => ./dep\n")
	write(t, filepath.Join(s.dir, "go.sum"), "")
	must(t, os.MkdirAll(filepath.Join(s.dir, "dep/cmd"), 0o755))
	must(t, os.MkdirAll(filepath.Join(s.dir, "dep/feature"), 0o755))
	write(t, filepath.Join(s.dir, "dep/go.mod"), "module example.com/dep\n")
	write(t, filepath.Join(s.dir, "dep/cmd/main.go"), "package main\n\nimport \"example.com/dep/feature\"\n\nfunc main() { print(feature.Name) }\n")
	write(t, filepath.Join(s.dir, "dep/feature", linuxFile), "package feature\n\nconst Name = `on Linux`\n")
	write(t, filepath.Join(s.dir, "dep/feature/feature_other.go"), "//go:build !linux\n\npackage feature\n\nconst Name = `elsewhere`\n")
	s.module, s.pkg = "example.com/dep", "example.com/dep/cmd"
	return s
}

// A feature is left out by compiling the files for other systems.
func TestWithout(t *testing.T) {
	var sums []string
	for _, without := range []string{"", "feature", "feature"} {
		s := withFeature(t, "feature_linux.go")
		s.without = without
		tmp := t.TempDir()
		plain := filepath.Join(tmp, s.name)
		must(t, s.compile(t.Context(), s.args(""), tmp, plain))
		output, err := exec.Command(plain).CombinedOutput()
		must(t, err)
		if want := map[string]string{"": "on Linux", "feature": "elsewhere"}[without]; string(output) != want {
			t.Errorf("without %q: the program says %q, want %q", without, output, want)
		}
		text, err := os.ReadFile(plain)
		must(t, err)
		sums = append(sums, fmt.Sprintf("%x", sha256.Sum256(text)))
	}
	if sums[1] != sums[2] {
		t.Error("the program depends on the folder that it was built in")
	}
}

// A feature that is not for Linux only cannot be left out.
func TestWithout_notOnlyLinux(t *testing.T) {
	s := withFeature(t, "feature.go")
	s.without = "feature"
	tmp := t.TempDir()
	err := s.compile(t.Context(), s.args(""), tmp, filepath.Join(tmp, s.name))
	if err == nil || !strings.Contains(err.Error(), "leaving feature out: it has no files for Linux") {
		t.Errorf("got the error %v, want one that says what cannot be left out", err)
	}
}

func TestUpdate_doesNotCompile(t *testing.T) {
	s, bin := hello(t), t.TempDir()
	write(t, filepath.Join(s.dir, "main.go"), "package main\n\nfunc main() { nonsense }\n")
	_, err := s.update(context.Background(), bin, bundle.Manifest{}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "undefined: nonsense") {
		t.Errorf("got the error %v, want the compiler's words", err)
	}
	if left, _ := os.ReadDir(bin); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// The error for a missing C library shows how to install it.
func TestCheckNeeds(t *testing.T) {
	s := hello(t)
	s.needs = "libnosuchthing"
	_, err := s.update(context.Background(), t.TempDir(), bundle.Manifest{}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "apt-get install gcc pkg-config libnosuchthing-dev") {
		t.Errorf("got the error %v, want one that says what to install", err)
	}
}

// The manifest file is left alone when nothing changed.
func TestWriteManifest_unchanged(t *testing.T) {
	bin := t.TempDir()
	m := bundle.Manifest{Arch: "amd64", Programs: []bundle.Program{{Name: "p", Size: 1}}}
	must(t, writeManifest(bin, m))
	before, err := os.Stat(filepath.Join(bin, bundle.ManifestName))
	must(t, err)
	must(t, writeManifest(bin, m))
	after, err := os.Stat(filepath.Join(bin, bundle.ManifestName))
	must(t, err)
	if !after.ModTime().Equal(before.ModTime()) {
		t.Error("it was written again")
	}
	got, err := readManifest(bin)
	must(t, err)
	if diff := cmp.Diff(m, got); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	must(t, os.WriteFile(name, []byte(text), 0o644))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
