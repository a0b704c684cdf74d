package publish

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Manifests are listed before those that refer to them.
func TestReadArtifact_manifestOrder(t *testing.T) {
	image, err := random.Image(64, 2)
	if err != nil {
		t.Fatal(err)
	}
	inner := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: image})
	outer := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: inner}, mutate.IndexAddendum{Add: image})
	a, err := readArtifact(outer)
	if err != nil {
		t.Fatal(err)
	}
	for i, content := range []Content{image, inner, outer} {
		want, err := content.Digest()
		if err != nil {
			t.Fatal(err)
		}
		if len(a.manifests) != 3 || a.manifests[i].digest != want {
			t.Fatalf("manifest %d of %d is not %s", i, len(a.manifests), want)
		}
	}
	if len(a.blobs) != 3 { // two layers and a config, though the image is listed twice
		t.Errorf("%d blobs, want 3", len(a.blobs))
	}
}

// The blobs are those of the manifest.
func TestReadArtifact_blobs(t *testing.T) {
	image, err := random.Image(64, 2)
	if err != nil {
		t.Fatal(err)
	}
	a, err := readArtifact(image)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range a.blobs {
		content, err := b.open()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(content)
		if err != nil {
			t.Fatal(err)
		}
		if err := content.Close(); err != nil {
			t.Fatal(err)
		}
		if int64(len(got)) != b.size {
			t.Errorf("%s has %d bytes, the manifest says %d", b.digest, len(got), b.size)
		}
	}
}

// Non-distributable layers are not uploaded.
func TestReadArtifact_nonDistributable(t *testing.T) {
	image, err := mutate.AppendLayers(empty.Image,
		static.NewLayer([]byte("kept"), types.OCILayer), static.NewLayer([]byte("foreign"), types.DockerForeignLayer))
	if err != nil {
		t.Fatal(err)
	}
	a, err := readArtifact(image)
	if err != nil {
		t.Fatal(err)
	}
	layers := 0
	for _, b := range a.blobs {
		if b.layer {
			layers++
		}
	}
	if layers != 1 {
		t.Errorf("%d layers, want 1", layers)
	}
}

// An index that lists anything but images and indexes is refused.
func TestReadArtifact_unknownEntry(t *testing.T) {
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: static.NewLayer([]byte("x"), types.OCILayer)})
	if _, err := readArtifact(index); err == nil || !strings.Contains(err.Error(), "neither an image nor an index") {
		t.Errorf("the error is %v", err)
	}
}
