package layout_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	ggcrlayout "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

// entries returns the names of the images in a directory, after it was checked by another program.
func entries(t *testing.T, dir string) []string {
	t.Helper()
	index, err := ggcrlayout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index, validate.Fast); err != nil {
		t.Error(err)
	}
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range m.Manifests {
		names = append(names, entry.Annotations[ocispec.AnnotationRefName])
	}
	return slices.Sorted(slices.Values(names))
}

func TestMerge(t *testing.T) {
	l := openNew(t)
	dir := filepath.Join(t.TempDir(), "oci")
	merge := func(images ...layout.Image) {
		t.Helper()
		if err := l.Merge(t.Context(), images, dir); err != nil {
			t.Fatal(err)
		}
	}
	first := combine(t, l, "one", manifest(t, l, "amd64", "shared"))
	foreign := combine(t, l, "foreign", manifest(t, l, "amd64", "shared"), manifest(t, l, "arm64", "b"))
	merge(first, foreign)
	if diff := cmp.Diff([]string{"example.com/foreign:1", "example.com/one:1"}, entries(t, dir)); diff != "" {
		t.Errorf("in a new directory (-want +got):\n%s", diff)
	}

	second := combine(t, l, "one", manifest(t, l, "amd64", "second"))
	merge(second)
	if diff := cmp.Diff([]string{"example.com/foreign:1", "example.com/one:1"}, entries(t, dir)); diff != "" {
		t.Errorf("what else the layout held stays (-want +got):\n%s", diff)
	}
	in, err := layout.OpenBlobs(dir)
	if err != nil {
		t.Fatal(err)
	}
	third := combine(t, l, "one", manifest(t, l, "amd64", "third"))
	merge(third)
	if in.Has(second.Descriptor) {
		t.Error("the manifest of an image that was replaced is left")
	}
	m, err := l.Manifest(second.Descriptor)
	if err != nil {
		t.Fatal(err)
	}
	if in.Has(m.Layers[0]) || in.Has(m.Config) {
		t.Error("a blob that nothing needs is left")
	}
	merge(third)
	entries(t, dir)
}

func TestMerge_interrupted(t *testing.T) {
	l := openNew(t)
	dir := filepath.Join(t.TempDir(), "oci")
	image := combine(t, l, "one", manifest(t, l, "amd64", "a"))
	m, err := l.Manifest(image.Descriptor)
	if err != nil {
		t.Fatal(err)
	}
	damaged := l.Blobs().Path(m.Layers[0].Digest)
	if err := errors.Join(os.Remove(damaged), os.WriteFile(damaged, []byte("b"), 0o444)); err != nil {
		t.Fatal(err)
	}
	if err := l.Merge(t.Context(), []layout.Image{image}, dir); err == nil {
		t.Fatal("an image with a damaged layer was copied")
	}
	if left := entries(t, dir); len(left) != 0 {
		t.Errorf("there are entries of images that are not there: %q", left)
	}
	manifest(t, l, "amd64", "a")
	if err := l.Merge(t.Context(), []layout.Image{image}, dir); err != nil {
		t.Error(err)
	}
}

// What another image needs must not go because its manifest cannot be read in this moment.
func TestMerge_unreadableBlobs(t *testing.T) {
	l := openNew(t)
	dir := filepath.Join(t.TempDir(), "oci")
	old := combine(t, l, "one", manifest(t, l, "amd64", "shared"))
	other := combine(t, l, "other", manifest(t, l, "arm64", "shared"))
	if err := l.Merge(t.Context(), []layout.Image{old, other}, dir); err != nil {
		t.Fatal(err)
	}
	in, err := layout.OpenBlobs(dir)
	if err != nil {
		t.Fatal(err)
	}
	unreadable := in.Path(other.Descriptor.Digest)
	if err := errors.Join(os.Remove(unreadable), os.Symlink(unreadable, unreadable)); err != nil {
		t.Fatal(err)
	}
	if err := l.Merge(t.Context(), []layout.Image{combine(t, l, "one", manifest(t, l, "amd64", "new"))}, dir); err == nil {
		t.Error("nobody hears of it")
	}
	m, err := l.Manifest(other.Descriptor)
	if err != nil {
		t.Fatal(err)
	}
	if !in.Has(m.Layers[0]) {
		t.Error("the layer of another image is gone")
	}
}

func TestMerge_severalAtOnce(t *testing.T) {
	l := openNew(t)
	dir := filepath.Join(t.TempDir(), "oci")
	var all sync.WaitGroup
	var want []string
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		image := combine(t, l, name, manifest(t, l, "amd64", name))
		want = append(want, image.Reference())
		all.Go(func() {
			if err := l.Merge(t.Context(), []layout.Image{image}, dir); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if diff := cmp.Diff(want, entries(t, dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMerge_refuses(t *testing.T) {
	l := openNew(t)
	image := combine(t, l, "one", manifest(t, l, "amd64", "a"))
	for _, test := range []struct {
		name, file, content, reason string
	}{
		{"something else", "notes.txt", "mine", "holds something else than an image layout"},
		{"a layout of another version", "oci-layout", `{"imageLayoutVersion":"2.0.0"}`, "is no image layout of version 1.0.0, which is the one to add to"},
		{"no JSON", "oci-layout", `{`, "is no image layout of version 1.0.0, which is the one to add to"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, test.file), []byte(test.content), 0o644); err != nil {
				t.Fatal(err)
			}
			err := l.Merge(t.Context(), []layout.Image{image}, dir)
			var other *layout.NotLayoutError
			if !errors.As(err, &other) || other.Reason != test.reason {
				t.Errorf("got %v, want that it %s", err, test.reason)
			}
			if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
				t.Errorf("the directory was changed: %v, %v", names, err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Merge(ctx, []layout.Image{image}, filepath.Join(t.TempDir(), "oci")); !errors.Is(err, context.Canceled) {
		t.Errorf("with a cancelled context: %v", err)
	}
}
