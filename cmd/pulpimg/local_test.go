package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/export"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// openLayout opens a new layout that is closed at the end of the test.
func openLayout(t *testing.T) *layout.Layout {
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

// builtFor writes an image for some architectures into a layout.
func builtFor(t *testing.T, in *layout.Layout, name string, architectures ...string) layout.Image {
	t.Helper()
	write := func(mediaType string, value any) ocispec.Descriptor {
		desc, err := in.Blobs().WriteJSON(mediaType, value)
		if err != nil {
			t.Fatal(err)
		}
		return desc
	}
	var manifests []ocispec.Descriptor
	for _, architecture := range architectures {
		platform := ocispec.Platform{OS: "linux", Architecture: architecture}
		desc := write(ocispec.MediaTypeImageManifest, ocispec.Manifest{
			Versioned: specs.Versioned{SchemaVersion: 2},
			MediaType: ocispec.MediaTypeImageManifest,
			Config:    write(ocispec.MediaTypeImageConfig, ocispec.Image{Platform: platform, Author: name}),
		})
		desc.Platform = &platform
		manifests = append(manifests, desc)
	}
	image, err := in.Combine(name, []string{"example.com/" + name + ":1"}, manifests, nil)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// fakeTool puts a program that answers with the ID of an image into the path.
func fakeTool(t *testing.T, name, id string) {
	t.Helper()
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\n[ \"$1 $2 $5\" = 'image inspect example.com/a:1' ] && echo '%s'\n", id)
	if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func TestLoaded_knowsTheIDsOfEveryImageStore(t *testing.T) {
	l := openLayout(t)
	one, two := builtFor(t, l, "a", "amd64"), builtFor(t, l, "a", "amd64", "arm64")
	manifest, err := l.Manifest(two.Manifests[1])
	if err != nil {
		t.Fatal(err)
	}
	imported, err := export.Imported(manifest)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		built layout.Image
		id    string
		want  bool
	}{
		{"the config", two, manifest.Config.Digest.String(), true},
		{"the config, as podman writes it", two, manifest.Config.Digest.Encoded(), true},
		{"the manifest", one, one.Descriptor.Digest.String(), true},
		{"the manifest of a platform", two, two.Manifests[1].Digest.String(), true},
		{"the index", two, two.Descriptor.Digest.String(), true},
		{"the manifest that docker makes of an archive", two, imported.String(), true},
		{"another image", two, digest.FromString("another").String(), false},
		{"the index of another build", one, two.Descriptor.Digest.String(), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			fakeTool(t, "docker", test.id)
			got, err := localImage{from: l, built: &test.built}.loaded(t.Context(), "docker", "example.com/a:1")
			if err != nil || got != test.want {
				t.Errorf("got %v (%v), want %v", got, err, test.want)
			}
		})
	}
}

func TestLocalImage_isTheOneThatTheToolHas(t *testing.T) {
	const reference = "example.com/a:1"
	for _, test := range []struct {
		name      string
		published bool
		loaded    bool
		byDigest  bool
	}{
		{name: "loaded", loaded: true},
		{name: "not loaded"},
		{name: "loaded and published", loaded: true, published: true},
		{name: "published", published: true, byDigest: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := openLayout(t)
			built := builtFor(t, l, "a", "amd64")
			id := digest.FromString("another")
			if test.loaded {
				id = built.Descriptor.Digest
			}
			fakeTool(t, "docker", id.String())
			want := reference
			if test.byDigest {
				want = "example.com/a@" + built.Descriptor.Digest.String()
			}
			if test.published {
				if err := l.SetPublished(map[string]digest.Digest{reference: built.Descriptor.Digest}); err != nil {
					t.Fatal(err)
				}
			}
			got, err := localImage{from: l, image: &family.Image{Name: "a", Reference: reference}, built: &built}.reference(t.Context(), "docker")
			if err != nil || got != want {
				t.Errorf("got %q (%v), want %q", got, err, want)
			}
		})
	}
}

// Of the names that an image was built for, the one that is asked for is started.
func TestLocalImage_hasTheNameThatIsAskedFor(t *testing.T) {
	for _, test := range []struct{ asked, want string }{
		{"example.com/a:latest", "example.com/a:latest"},
		{"example.org/a:1", "example.org/a:1"},
		{"example.com/a:2", "example.com/a:1"},
	} {
		l := openLayout(t)
		built := builtFor(t, l, "a", "amd64")
		built.References = []string{"example.com/a:1", "example.com/a:latest", "example.org/a:1"}
		fakeTool(t, "docker", digest.FromString("another").String())
		got, err := localImage{from: l, image: &family.Image{Name: "a", Reference: test.asked}, built: &built}.reference(t.Context(), "docker")
		if err != nil || got != test.want {
			t.Errorf("of %s, got %q (%v), want %q", test.asked, got, err, test.want)
		}
	}
}
