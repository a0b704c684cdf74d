package layout_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ggcrlayout "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

func open(t *testing.T) *layout.Layout {
	t.Helper()
	l, err := layout.Open(filepath.Join(t.TempDir(), "new", "layout"))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// manifest writes an image without layers.
func manifest(t *testing.T, l *layout.Layout, arch string) ocispec.Descriptor {
	t.Helper()
	platform := ocispec.Platform{OS: "linux", Architecture: arch}
	config, err := l.Blobs().WriteJSON(ocispec.MediaTypeImageConfig, ocispec.Image{Platform: platform, RootFS: ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{}}})
	if err != nil {
		t.Fatal(err)
	}
	desc, err := l.Blobs().WriteJSON(ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, Config: config, Layers: []ocispec.Descriptor{},
	})
	if err != nil {
		t.Fatal(err)
	}
	desc.Platform = &platform
	return desc
}

func combine(t *testing.T, l *layout.Layout, name string, manifests ...ocispec.Descriptor) layout.Image {
	t.Helper()
	image, err := l.Combine(name, "example.com/"+name+":1", manifests)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func names(t *testing.T, l *layout.Layout) []string {
	t.Helper()
	images, err := l.Images()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, i := range images {
		out = append(out, i.Name+" "+i.Reference)
	}
	return out
}

func TestALayoutHoldsWhatItWasLastGiven(t *testing.T) {
	l := open(t)
	if _, err := l.Images(); !errors.Is(err, layout.ErrEmpty) {
		t.Errorf("a new layout: got error %v, want %v", err, layout.ErrEmpty)
	}
	one := combine(t, l, "one", manifest(t, l, "amd64"))
	if err := l.Replace([]layout.Image{one}); err != nil {
		t.Fatal(err)
	}
	two := combine(t, l, "two", manifest(t, l, "amd64"), manifest(t, l, "arm64"))
	three := combine(t, l, "three", manifest(t, l, "arm64"))
	if err := l.Replace([]layout.Image{two, three}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"two example.com/two:1", "three example.com/three:1"}, names(t, l)); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
	images, err := l.Images()
	if err != nil {
		t.Fatal(err)
	}
	if got := len(images[0].Manifests); got != 2 {
		t.Errorf("an image for two platforms has %d manifests", got)
	}
}

func TestReplaceRemovesWhatNothingNeeds(t *testing.T) {
	l := open(t)
	stale, err := l.Blobs().Write("text/plain", []byte("stale"))
	if err != nil {
		t.Fatal(err)
	}
	wanted, err := l.Blobs().Write("text/plain", []byte("wanted"))
	if err != nil {
		t.Fatal(err)
	}
	one := combine(t, l, "one", manifest(t, l, "amd64"))
	if err := l.Replace([]layout.Image{one}, wanted); err != nil {
		t.Fatal(err)
	}
	if l.Blobs().Has(stale) {
		t.Error("a blob that no image needs is still there")
	}
	if !l.Blobs().Has(wanted) {
		t.Error("a blob that was to stay is gone")
	}
	if !l.Blobs().Has(one.Descriptor) {
		t.Error("the image's manifest is gone")
	}
}

func TestOtherToolsReadTheLayout(t *testing.T) {
	l := open(t)
	if err := l.Replace([]layout.Image{
		combine(t, l, "one", manifest(t, l, "amd64")),
		combine(t, l, "two", manifest(t, l, "amd64"), manifest(t, l, "arm64")),
	}); err != nil {
		t.Fatal(err)
	}
	index, err := ggcrlayout.ImageIndexFromPath(l.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
}

func TestCopyBringsTheImagesAndTheirBlobs(t *testing.T) {
	from, to := open(t), open(t)
	if err := from.Replace([]layout.Image{combine(t, from, "one", manifest(t, from, "amd64"), manifest(t, from, "arm64"))}); err != nil {
		t.Fatal(err)
	}
	if err := to.Replace([]layout.Image{combine(t, to, "other", manifest(t, to, "386"))}); err != nil {
		t.Fatal(err)
	}
	if err := to.Copy(t.Context(), from); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(names(t, from), names(t, to)); diff != "" {
		t.Errorf("images (-from +to):\n%s", diff)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := to.Copy(ctx, from); !errors.Is(err, context.Canceled) {
		t.Errorf("with a cancelled context: %v", err)
	}
}

func TestABuildWaitsForAnotherThatHasTheLayout(t *testing.T) {
	l := open(t)
	unlock, err := l.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := l.Lock(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while another has it: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	unlock, err = l.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
}

func TestADamagedIndexIsAnErrorThatNamesTheLayout(t *testing.T) {
	l := open(t)
	if err := os.WriteFile(filepath.Join(l.Dir(), "index.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Images(); err == nil || errors.Is(err, layout.ErrEmpty) {
		t.Errorf("got error %v", err)
	}
}
