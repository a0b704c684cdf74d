package export_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/export"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

func open(t *testing.T) *layout.Layout {
	t.Helper()
	l, err := layout.Open(t.Context(), filepath.Join(t.TempDir(), "layout"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// tools puts programs into an otherwise empty PATH: each answers `info` as its script says, and reads what it is to load.
func tools(t *testing.T, scripts map[string]string) (loaded string) {
	t.Helper()
	dir := t.TempDir()
	loaded = filepath.Join(dir, "loaded")
	for name, script := range scripts {
		text := fmt.Sprintf("#!/bin/sh\nPATH=/usr/bin:/bin\ntool=%s loaded=%s\n%s\n", name, loaded, script)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	return loaded
}

// What a tool may do.
const (
	works = `case $1 in info) exit 0;; load) cat >"$loaded";; esac`
	dead  = `echo "Cannot connect to the daemon" >&2; exit 1`
)

func TestLoad_takesTheFirstToolThatAnswers(t *testing.T) {
	for _, test := range []struct {
		name  string
		tools map[string]string
		want  string
		err   error
	}{
		{name: "docker", tools: map[string]string{"docker": works, "podman": works}, want: "docker"},
		{name: "a docker without a daemon", tools: map[string]string{"docker": dead, "podman": works}, want: "podman"},
		{name: "podman alone", tools: map[string]string{"podman": works}, want: "podman"},
		{name: "nerdctl comes last", tools: map[string]string{"docker": dead, "podman": works, "nerdctl": works}, want: "podman"},
		{name: "nerdctl gets images of all platforms", tools: map[string]string{"docker": dead, "nerdctl": `case "$*" in info) ;; "load --all-platforms") cat >"$loaded";; *) exit 1;; esac`}, want: "nerdctl"},
		{name: "none answers", tools: map[string]string{"docker": dead, "nerdctl": dead}, err: export.ErrNoStore},
		{name: "nothing is there", err: export.ErrNoStore},
	} {
		t.Run(test.name, func(t *testing.T) {
			from := open(t)
			built := image(t, from)
			loaded := tools(t, test.tools)
			got, err := export.Load(t.Context(), from, []layout.Image{built})
			if got != test.want || !errors.Is(err, test.err) {
				t.Fatalf("loaded into %q, %v; want %q, %v", got, err, test.want, test.err)
			}
			if err != nil {
				return
			}
			tag, err := name.NewTag(built.Reference())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tarball.ImageFromPath(loaded, &tag); err != nil {
				t.Errorf("what the tool read: %v", err)
			}
		})
	}
}

// Containers are started by docker and podman alone.
func TestTool(t *testing.T) {
	tools(t, map[string]string{"docker": dead, "nerdctl": works})
	if got, err := export.Tool(t.Context()); !errors.Is(err, export.ErrNoStore) || !strings.HasSuffix(err.Error(), ": neither docker nor podman does") {
		t.Errorf("got %q, %v", got, err)
	}
	tools(t, map[string]string{"docker": dead, "podman": works})
	if got, err := export.Tool(t.Context()); got != "podman" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// What is loaded has all of its names, and is sent once.
func TestLoad_allReferences(t *testing.T) {
	from := open(t)
	built := image(t, from)
	built.References = []string{"example.com/a:1", "example.com/a:latest", "example.org/a:1"}
	loaded := tools(t, map[string]string{"docker": works})
	if _, err := export.Load(t.Context(), from, []layout.Image{built}); err != nil {
		t.Fatal(err)
	}
	manifest, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return os.Open(loaded) })
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest) != 1 {
		t.Fatalf("the image is there %d times", len(manifest))
	}
	if got := slices.Sorted(slices.Values(manifest[0].RepoTags)); !slices.Equal(got, built.References) {
		t.Errorf("it is called %q, want %q", got, built.References)
	}
}

func TestLoadInto_fails(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		name   string
		ctx    context.Context
		script string
		want   string
	}{
		{"the tool refuses it and says why", t.Context(), `cat >/dev/null; echo "no space left" >&2; exit 2`, "loading the images into docker: exit status 2: no space left"},
		{"the tool ends before it has read it", t.Context(), `echo "unknown command" >&2; exit 125`, "loading the images into docker: exit status 125: unknown command"},
		{"the context has ended", ended, works, context.Canceled.Error()},
	} {
		t.Run(test.name, func(t *testing.T) {
			from := open(t)
			built := image(t, from)
			tools(t, map[string]string{"docker": test.script})
			if err := export.LoadInto(test.ctx, "docker", from, []layout.Image{built}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
		})
	}
}

func TestDockerArchive_leavesNothingHalfDone(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		name string
		ctx  context.Context
		// spoil changes the image, or the layout, before it is written.
		spoil func(from *layout.Layout, built *layout.Image) error
		want  string
	}{
		{"the context has ended", ended, nil, context.Canceled.Error()},
		{"a blob is missing", t.Context(), func(from *layout.Layout, built *layout.Image) error {
			manifest, err := from.Manifest(built.Descriptor)
			return errors.Join(err, os.Remove(from.Blobs().Path(manifest.Layers[1].Digest)))
		}, "no such file"},
		{"several platforms", t.Context(), func(_ *layout.Layout, built *layout.Image) error {
			built.Manifests = append(built.Manifests, ocispec.Descriptor{})
			return nil
		}, "a is for 2 platforms"},
		{"a wrong reference", t.Context(), func(_ *layout.Layout, built *layout.Image) error {
			built.References = []string{"UPPER//x"}
			return nil
		}, "UPPER//x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			from := open(t)
			built := image(t, from)
			if test.spoil != nil {
				if err := test.spoil(from, &built); err != nil {
					t.Fatal(err)
				}
			}
			dir := t.TempDir()
			before := filepath.Join(dir, "images.tar")
			if err := os.WriteFile(before, []byte("older"), 0o644); err != nil {
				t.Fatal(err)
			}
			err := export.DockerArchive(test.ctx, from, []layout.Image{built}, before)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
			if data, err := os.ReadFile(before); err != nil || string(data) != "older" {
				t.Errorf("the file that was there holds %q (%v)", data, err)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
				t.Errorf("left are %v (%v)", left, err)
			}
		})
	}
}
