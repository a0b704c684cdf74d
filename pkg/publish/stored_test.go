package publish

import (
	"io"
	"os"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

// store writes an image or an index into a directory of blobs, with all that it consists of.
func store(t *testing.T, in *layout.Blobs, content Content) ocispec.Descriptor {
	t.Helper()
	a, err := readArtifact(content)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range a.blobs {
		from, err := b.open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(from)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := in.Write("", data); err != nil {
			t.Fatal(err)
		}
	}
	var desc ocispec.Descriptor
	for _, m := range a.manifests {
		if desc, err = in.Write(string(m.mediaType), m.raw); err != nil {
			t.Fatal(err)
		}
	}
	return desc
}

// stores returns a directory of blobs with an image, and one with an index of an image and of another index.
func stores(t *testing.T) (blobs *layout.Blobs, image, index ocispec.Descriptor) {
	t.Helper()
	blobs, err := layout.OpenBlobs(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	one, err := random.Image(64, 2)
	if err != nil {
		t.Fatal(err)
	}
	one = mutate.MediaType(one, types.OCIManifestSchema1)
	inner := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: one})
	outer := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: inner}, mutate.IndexAddendum{Add: one})
	return blobs, store(t, blobs, one), store(t, blobs, outer)
}

// What is in a layout is what was written.
func TestContentOf_isValid(t *testing.T) {
	blobs, image, index := stores(t)
	for _, desc := range []ocispec.Descriptor{image, index} {
		content, err := contentOf(blobs, desc)
		if err != nil {
			t.Fatal(err)
		}
		switch c := content.(type) {
		case v1.Image:
			err = validate.Image(c)
		case v1.ImageIndex:
			err = validate.Index(c)
		}
		if err != nil {
			t.Errorf("%s: %v", desc.MediaType, err)
		}
	}
}

// The digest is known without the manifest. A manifest that does not have it is damaged, and is not published as another image.
func TestContentOf_damaged(t *testing.T) {
	blobs, image, index := stores(t)
	for _, desc := range []ocispec.Descriptor{image, index} {
		file := blobs.Path(desc.Digest)
		if err := os.Chmod(file, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
		content, err := contentOf(blobs, desc)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := content.Digest(); err != nil || digest.Digest(got.String()) != desc.Digest {
			t.Errorf("%s: its digest is %s (%v), want %s", desc.MediaType, got, err, desc.Digest)
		}
		if _, err := readArtifact(content); err == nil || !strings.Contains(err.Error(), "was damaged") {
			t.Errorf("%s: the error is %v", desc.MediaType, err)
		}
	}
}

// What an index lists as an image is none if it is an index.
func TestContentOf_listedAsAnother(t *testing.T) {
	blobs, image, _ := stores(t)
	hash, err := v1.NewHash(image.Digest.String())
	if err != nil {
		t.Fatal(err)
	}
	desc, err := blobs.WriteJSON(ocispec.MediaTypeImageIndex, layout.NewIndex([]ocispec.Descriptor{image}, nil))
	if err != nil {
		t.Fatal(err)
	}
	content, err := contentOf(blobs, desc)
	if err != nil {
		t.Fatal(err)
	}
	index := content.(v1.ImageIndex)
	if _, err := index.ImageIndex(hash); err == nil || !strings.Contains(err.Error(), "is listed as") {
		t.Errorf("the error about an image as an index is %v", err)
	}
	if _, err := index.Image(v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}); err == nil || !strings.Contains(err.Error(), "does not list") {
		t.Errorf("the error about an image that it does not list is %v", err)
	}
	if _, err := index.Image(hash); err != nil {
		t.Errorf("the image that it lists: %v", err)
	}
}
