package export_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images/archive"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/export"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// image writes an image with a layer of each media type into a layout.
func image(t *testing.T, in *layout.Layout) layout.Image {
	t.Helper()
	write := func(mediaType string, data []byte) ocispec.Descriptor {
		desc, err := in.Blobs().Write(mediaType, data)
		if err != nil {
			t.Fatal(err)
		}
		return desc
	}
	plain := make([]byte, 1024) // the end of a tar stream, which is all of an empty one
	var compressed bytes.Buffer
	w := gzip.NewWriter(&compressed)
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	config, err := json.Marshal(ocispec.Image{
		Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"},
		RootFS:   ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.FromBytes(plain), digest.FromBytes(plain)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := json.Marshal(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageManifest,
		Config:    write(ocispec.MediaTypeImageConfig, config),
		Layers:    []ocispec.Descriptor{write(ocispec.MediaTypeImageLayerGzip, compressed.Bytes()), write(ocispec.MediaTypeImageLayer, plain)},
	})
	if err != nil {
		t.Fatal(err)
	}
	made, err := in.Combine("a", []string{"example.com/a:1"}, []ocispec.Descriptor{write(ocispec.MediaTypeImageManifest, manifest)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.Add(t.Context(), layout.Build{Images: []layout.Image{made}}); err != nil {
		t.Fatal(err)
	}
	return made
}

// containerd's own importer has to make the manifest that is expected of it.
func TestImported_sameAsContainerd(t *testing.T) {
	from := open(t)
	built := image(t, from)
	file := filepath.Join(t.TempDir(), "a.tar")
	if err := export.DockerArchive(t.Context(), from, []layout.Image{built}, file); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	store, err := local.NewStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	root, err := archive.ImportIndex(t.Context(), store, in)
	if err != nil {
		t.Fatal(err)
	}
	data, err := content.ReadBlob(t.Context(), store, root)
	if err != nil {
		t.Fatal(err)
	}
	var index ocispec.Index
	if err := json.Unmarshal(data, &index); err != nil || len(index.Manifests) != 1 {
		t.Fatalf("containerd made %s (%v)", data, err)
	}
	manifest, err := from.Manifest(built.Descriptor)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := export.Imported(manifest); err != nil || got != index.Manifests[0].Digest {
		t.Errorf("got %s (%v), and containerd made %s", got, err, index.Manifests[0].Digest)
	}
}
