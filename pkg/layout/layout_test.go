package layout_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/go-cmp/cmp"
	ggcrlayout "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

// open opens a layout that is closed at the end of the test.
func open(t *testing.T, dir string) *layout.Layout {
	t.Helper()
	l, err := layout.Open(t.Context(), dir)
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

// openNew opens a layout in a new directory.
func openNew(t *testing.T) *layout.Layout {
	t.Helper()
	return open(t, filepath.Join(t.TempDir(), "new", "layout"))
}

func write(t *testing.T, l *layout.Layout, mediaType string, value any) ocispec.Descriptor {
	t.Helper()
	desc, err := l.Blobs().WriteJSON(mediaType, value)
	if err != nil {
		t.Fatal(err)
	}
	return desc
}

// manifest writes an image with one layer, which is named by its content.
func manifest(t *testing.T, l *layout.Layout, arch, content string) ocispec.Descriptor {
	t.Helper()
	layer, err := l.Blobs().Write(ocispec.MediaTypeImageLayer, []byte(content))
	if err != nil {
		t.Fatal(err)
	}
	platform := ocispec.Platform{OS: "linux", Architecture: arch}
	config := write(t, l, ocispec.MediaTypeImageConfig, ocispec.Image{Platform: platform, RootFS: ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{layer.Digest}}})
	desc := write(t, l, ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, Config: config, Layers: []ocispec.Descriptor{layer},
	})
	desc.Platform = &platform
	return desc
}

func combine(t *testing.T, l *layout.Layout, name string, manifests ...ocispec.Descriptor) layout.Image {
	t.Helper()
	image, err := l.Combine(name, []string{"example.com/" + name + ":1"}, manifests, nil)
	if err != nil {
		t.Fatal(err)
	}
	image.Inputs = digest.FromString(name)
	return image
}

func add(t *testing.T, l *layout.Layout, images ...layout.Image) layout.Build {
	t.Helper()
	b, err := l.Add(t.Context(), layout.Build{Images: images})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func builds(t *testing.T, l *layout.Layout) []layout.Build {
	t.Helper()
	all, err := l.Builds()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestBuilds_lastFirst(t *testing.T) {
	l := openNew(t)
	if _, err := l.Builds(); !errors.Is(err, layout.ErrEmpty) {
		t.Errorf("a new layout: got error %v, want %v", err, layout.ErrEmpty)
	}
	one := add(t, l, combine(t, l, "one", manifest(t, l, "amd64", "a")))
	two := add(t, l,
		combine(t, l, "two", manifest(t, l, "amd64", "a"), manifest(t, l, "arm64", "b")),
		combine(t, l, "three", manifest(t, l, "arm64", "c")))
	export := write(t, l, ocispec.MediaTypeImageIndex, ocispec.Index{})
	three, err := l.Add(t.Context(), layout.Build{Images: one.Images, Export: &export})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]layout.Build{three, two, one}, builds(t, l)); diff != "" {
		t.Errorf("-added +read:\n%s", diff)
	}
	if one.Number != 1 || three.Number != 3 || time.Since(three.Time) > time.Minute {
		t.Errorf("got the builds %d and %d, the last one of %v", one.Number, three.Number, three.Time)
	}
	if image, ok := two.Image("three"); !ok || image.Reference() != "example.com/three:1" {
		t.Errorf("got %v, %v", image, ok)
	}
	if _, ok := two.Image("one"); ok {
		t.Error("a build has an image that it did not make")
	}
}

// A command sees the builds that another one adds while it has the layout open.
func TestBuilds_ofAnotherCommand(t *testing.T) {
	one := openNew(t)
	other := open(t, one.Dir())
	add(t, one, combine(t, one, "web", manifest(t, one, "amd64", "first")))
	if got := builds(t, one); len(got) != 1 {
		t.Fatalf("%d builds, want 1", len(got))
	}
	again := builds(t, one)
	again[0] = layout.Build{} // is the caller's own
	add(t, other, combine(t, other, "web", manifest(t, other, "amd64", "second")))
	if got := builds(t, one); len(got) != 2 || got[0].Number != 2 || got[1].Number != 1 {
		t.Errorf("the builds are %+v", got)
	}
	if got := builds(t, other); len(got) != 2 || got[1].Number != 1 {
		t.Errorf("to the other, the builds are %+v", got)
	}
}

func TestAdd_severalAtOnce(t *testing.T) {
	dir := t.TempDir()
	const writers = 12
	var group sync.WaitGroup
	added := make([]layout.Build, writers)
	start := make(chan struct{}) // to open a layout takes longer than to add to it
	for i := range writers {
		l := open(t, dir)
		image := combine(t, l, fmt.Sprint("image", i), manifest(t, l, "amd64", fmt.Sprint(i)))
		group.Go(func() {
			<-start
			var err error
			if added[i], err = l.Add(t.Context(), layout.Build{Images: []layout.Image{image}}); err != nil {
				t.Error(err)
			}
		})
	}
	close(start)
	group.Wait()
	l := open(t, dir)
	all := builds(t, l)
	if len(all) != writers {
		t.Fatalf("got %d builds, want %d", len(all), writers)
	}
	for i, b := range added {
		found := all[writers-b.Number]
		if diff := cmp.Diff(b, found); diff != "" {
			t.Errorf("writer %d (-added +read):\n%s", i, diff)
		}
	}
}

func TestClose_tidies(t *testing.T) {
	dir := t.TempDir()
	first, err := layout.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var made []layout.Build
	for i := range 5 {
		made = append(made, add(t, first, combine(t, first, "one", manifest(t, first, "amd64", fmt.Sprint(i)))))
	}
	stale, err := first.Blobs().Write("text/plain", []byte("stale"))
	if err != nil {
		t.Fatal(err)
	}
	export := write(t, first, ocispec.MediaTypeImageIndex, ocispec.Index{Manifests: []ocispec.Descriptor{manifest(t, first, "arm64", "exported")}})
	last, err := first.Add(t.Context(), layout.Build{Images: made[4].Images, Export: &export})
	if err != nil {
		t.Fatal(err)
	}
	second, err := layout.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if !first.Blobs().Has(stale) || len(builds(t, first)) != 6 {
		t.Error("a layout was tidied while another command used it")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	l := open(t, dir)
	if diff := cmp.Diff([]layout.Build{last, made[4], made[3]}, builds(t, l)); diff != "" {
		t.Errorf("the builds that are left (-want +got):\n%s", diff)
	}
	if l.Blobs().Has(stale) || l.Blobs().Has(made[0].Images[0].Descriptor) {
		t.Error("blobs that no build needs are left")
	}
	for _, b := range []layout.Build{last, made[4], made[3]} {
		m, err := l.Manifest(b.Images[0].Descriptor)
		if err != nil || !l.Blobs().Has(m.Config) || !l.Blobs().Has(m.Layers[0]) {
			t.Errorf("build %d is not whole: %v", b.Number, err)
		}
	}
	if !l.Blobs().Has(export) {
		t.Error("what the engine exported is gone")
	}
}

func TestOpen_waits(t *testing.T) {
	dir := t.TempDir()
	alone := flock.New(filepath.Join(dir, ".lock"))
	if err := alone.Lock(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := layout.Open(ctx, dir); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while another command has it alone: %v", err)
	}
	// The directory may be gone when the other one is done.
	opened := make(chan error, 1)
	go func() {
		l, err := layout.Open(t.Context(), dir)
		if err == nil {
			_, err = l.Blobs().Write("text/plain", []byte("a"))
			err = errors.Join(err, l.Close())
		}
		opened <- err
	}()
	time.Sleep(50 * time.Millisecond)
	if err := os.Rename(dir, filepath.Join(t.TempDir(), "removed")); err != nil {
		t.Fatal(err)
	}
	if err := alone.Unlock(); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

func TestLayout_otherTools(t *testing.T) {
	l := openNew(t)
	add(t, l, combine(t, l, "one", manifest(t, l, "amd64", "older")))
	add(t, l,
		combine(t, l, "one", manifest(t, l, "amd64", "a")),
		combine(t, l, "two", manifest(t, l, "amd64", "a"), manifest(t, l, "arm64", "b")))
	index, err := ggcrlayout.ImageIndexFromPath(l.Dir())
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
	names := map[string]int{}
	for _, entry := range m.Manifests {
		names[entry.Annotations[ocispec.AnnotationRefName]]++
	}
	if names["example.com/one:1"] != 1 || names["example.com/two:1"] != 1 {
		t.Errorf("a name has to stand for one image: got %v", names)
	}
}

func TestBuilds_damagedIndex(t *testing.T) {
	l := openNew(t)
	if err := os.WriteFile(filepath.Join(l.Dir(), "index.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Builds(); err == nil || errors.Is(err, layout.ErrEmpty) {
		t.Errorf("got error %v", err)
	}
	b := add(t, l, combine(t, l, "one", manifest(t, l, "amd64", "a")))
	if diff := cmp.Diff([]layout.Build{b}, builds(t, l)); diff != "" {
		t.Errorf("after another build (-added +read):\n%s", diff)
	}
}
