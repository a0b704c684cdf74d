package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// A toolWith is a docker or podman that has one image.
func toolWith(t *testing.T, reference, id string) string {
	t.Helper()
	tool := filepath.Join(t.TempDir(), "tool")
	script := "#!/bin/sh\n[ \"$*\" = \"image inspect --format {{.Id}} " + reference + "\" ] && echo " + id + "\n"
	if err := os.WriteFile(tool, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return tool
}

func TestLocalImage_isTheOneThatTheToolHas(t *testing.T) {
	from, err := layout.Open(t.Context(), filepath.Join(t.TempDir(), "layout"))
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	write := func(mediaType string, value any) ocispec.Descriptor {
		desc, err := from.Blobs().WriteJSON(mediaType, value)
		if err != nil {
			t.Fatal(err)
		}
		return desc
	}
	config := write(ocispec.MediaTypeImageConfig, ocispec.Image{})
	manifest := write(ocispec.MediaTypeImageManifest, ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, Config: config})
	const reference = "r.example/a:1"
	built := layout.Image{Name: "a", Reference: reference, Descriptor: manifest, Manifests: []ocispec.Descriptor{manifest}}
	local := localImage{from: from, image: &family.Image{Name: "a", Reference: reference}, built: &built}
	same, other := config.Digest.String(), digest.FromString("other").String()
	for _, test := range []struct {
		name      string
		published bool
		tool      string
		want      string
	}{
		{"loaded", false, toolWith(t, reference, same), reference},
		{"not loaded", false, toolWith(t, reference, other), reference},
		{"loaded and published", true, toolWith(t, reference, same), reference},
		{"loaded into podman and published", true, toolWith(t, reference, config.Digest.Encoded()), reference},
		{"published", true, toolWith(t, reference, other), "r.example/a@" + manifest.Digest.String()},
		{"published, and no tool", true, "/no/tool", "r.example/a@" + manifest.Digest.String()},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.published {
				if err := from.SetPublished(map[string]digest.Digest{reference: manifest.Digest}); err != nil {
					t.Fatal(err)
				}
			}
			got, err := local.reference(t.Context(), test.tool)
			if err != nil || got != test.want {
				t.Errorf("%q, %v, want %q", got, err, test.want)
			}
		})
	}
}
