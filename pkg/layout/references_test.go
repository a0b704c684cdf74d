package layout_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

var several = []string{"example.com/a:1", "example.com/a:latest", "example.org/a:1", "example.org/a:latest"}

// changeIndex changes the text of a layout's index.
func changeIndex(t *testing.T, l *layout.Layout, change func(string) string) {
	t.Helper()
	file := filepath.Join(l.Dir(), ocispec.ImageIndexFile)
	data, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, []byte(change(string(data))), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A build keeps all references. Programs that know of one find the first, and what those wrote is read.
func TestBuilds_references(t *testing.T) {
	l := openNew(t)
	image := combine(t, l, "a", manifest(t, l, "amd64", "a"))
	image.References = several
	add(t, l, image, combine(t, l, "one", manifest(t, l, "amd64", "b")))
	images := builds(t, l)[0].Images
	if diff := cmp.Diff([][]string{several, {"example.com/one:1"}}, [][]string{images[0].References, images[1].References}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	data, err := os.ReadFile(filepath.Join(l.Dir(), ocispec.ImageIndexFile))
	if err != nil {
		t.Fatal(err)
	}
	var index ocispec.Index
	if err := json.Unmarshal(data, &index); err != nil {
		t.Fatal(err)
	}
	for i, first := range []string{several[0], "example.com/one:1"} {
		if got := index.Manifests[i].Annotations["org.pulpimg.reference"]; got != first {
			t.Errorf("others find %q, want %q", got, first)
		}
	}
	if _, ok := index.Manifests[1].Annotations["org.pulpimg.references"]; ok || len(index.Manifests) != 2 {
		t.Errorf("an image with one reference is not written as it was: %+v", index.Manifests)
	}
	changeIndex(t, l, func(text string) string { return strings.ReplaceAll(text, "org.pulpimg.references", "unknown") })
	if got := builds(t, l)[0].Images[0].References; !cmp.Equal(got, several[:1]) {
		t.Errorf("of a layout with one reference, %q is read", got)
	}
	changeIndex(t, l, func(text string) string {
		return strings.ReplaceAll(text, `"unknown":"[`, `"org.pulpimg.references":"`)
	})
	if _, err := l.Builds(); err == nil || !strings.Contains(err.Error(), "the references of a are no list") {
		t.Errorf("of damaged references: %v", err)
	}
}

// An image is in a user's layout under all of its references.
func TestMerge_references(t *testing.T) {
	l := openNew(t)
	dir := filepath.Join(t.TempDir(), "oci")
	image := combine(t, l, "a", manifest(t, l, "amd64", "a"))
	image.References = several
	next := combine(t, l, "a", manifest(t, l, "amd64", "b"))
	next.References = several[2:]
	for _, images := range [][]layout.Image{{image}, {next}} {
		if err := l.Merge(t.Context(), images, dir); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(several, entries(t, dir)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	next.References = several
	if err := l.Merge(t.Context(), []layout.Image{next}, dir); err != nil {
		t.Fatal(err)
	}
	in, err := layout.OpenBlobs(dir)
	if err != nil {
		t.Fatal(err)
	}
	if in.Has(image.Descriptor) || len(entries(t, dir)) != len(several) {
		t.Errorf("the image that lost all of its names is still there")
	}
}
