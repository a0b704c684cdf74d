package layout_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

// layerOf returns the only layer of an image for one platform.
func layerOf(t *testing.T, l *layout.Layout, image layout.Image) ocispec.Descriptor {
	t.Helper()
	m, err := l.Manifest(image.Manifests[0])
	if err != nil {
		t.Fatal(err)
	}
	return m.Layers[0]
}

// sourced gives an image a source for its layer, and removes the layer.
func sourced(t *testing.T, l *layout.Layout, image layout.Image) (layout.Image, ocispec.Descriptor) {
	t.Helper()
	layer := layerOf(t, l, image)
	image.Sources = []layout.Source{{
		References: []string{"example.com/base@" + digest.FromString("base").String(), "mirror.example.com/base@" + digest.FromString("base").String()},
		Layers:     map[digest.Digest]int64{layer.Digest: layer.Size},
	}}
	if err := os.Remove(l.Blobs().Path(layer.Digest)); err != nil {
		t.Fatal(err)
	}
	return image, layer
}

func TestBuilds_sources(t *testing.T) {
	l := openNew(t)
	lazy, layer := sourced(t, l, combine(t, l, "lazy", manifest(t, l, "amd64", "base")))
	whole := combine(t, l, "whole", manifest(t, l, "amd64", "own"))
	added := add(t, l, lazy, whole)
	if diff := cmp.Diff([]layout.Build{added}, builds(t, l)); diff != "" {
		t.Errorf("-added +read:\n%s", diff)
	}
	if !lazy.Sourced(layer) || whole.Sourced(layer) {
		t.Error("an image does not know whose layers it has sources for")
	}
	if layer.Size++; lazy.Sourced(layer) {
		t.Error("a layer of another size has a source")
	}
	data, err := os.ReadFile(filepath.Join(l.Dir(), ocispec.ImageIndexFile))
	if err != nil {
		t.Fatal(err)
	}
	var index ocispec.Index
	if err := json.Unmarshal(data, &index); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, false} {
		if _, got := index.Manifests[i].Annotations["org.pulpimg.sources"]; got != want {
			t.Errorf("the annotation of %s is there: %v, want %v", added.Images[i].Name, got, want)
		}
	}
}

// What is damaged stands for no source, and the rest of the build can be read.
func TestBuilds_damagedSources(t *testing.T) {
	good := digest.FromString("x").String()
	for _, test := range []struct{ name, text string }{
		{"no JSON", `[{`},
		{"another form", `{"format":2}`},
		{"null", `null`},
		{"no references", `[{"layers":{"` + good + `":1}}]`},
		{"a tag", `[{"references":["example.com/a:1"],"layers":{"` + good + `":1}}]`},
		{"no repository", `[{"references":["@` + good + `"],"layers":{"` + good + `":1}}]`},
		{"no digest of a layer", `[{"references":["example.com/a@` + good + `"],"layers":{"sha256:12":1}}]`},
		{"a size below zero", `[{"references":["example.com/a@` + good + `"],"layers":{"` + good + `":-1}}]`},
		{"no layers", `[{"references":["example.com/a@` + good + `"]}]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := openNew(t)
			lazy, layer := sourced(t, l, combine(t, l, "lazy", manifest(t, l, "amd64", "base")))
			add(t, l, lazy)
			quoted := func(text string) string {
				data, err := json.Marshal(text)
				if err != nil {
					t.Fatal(err)
				}
				return string(data)
			}
			before, err := json.Marshal(lazy.Sources)
			if err != nil {
				t.Fatal(err)
			}
			changed := false
			changeIndex(t, l, func(index string) string {
				changed = strings.Contains(index, quoted(string(before)))
				return strings.Replace(index, quoted(string(before)), quoted(test.text), 1)
			})
			if !changed {
				t.Fatal("the annotation was not found")
			}
			read := builds(t, l)[0].Images[0]
			if read.Sourced(layer) || len(read.Sources) > 0 {
				t.Errorf("sources were read: %+v", read.Sources)
			}
			if diff := cmp.Diff(lazy, read, cmpopts.IgnoreFields(layout.Image{}, "Sources")); diff != "" {
				t.Errorf("the rest (-want +got):\n%s", diff)
			}
		})
	}
}

// A layer that was never here is no reason to lose a build, or what the build has here.
func TestClose_keepsBuildsWithSources(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "layout")
	l, err := layout.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	lazy, layer := sourced(t, l, combine(t, l, "lazy", manifest(t, l, "amd64", "base")))
	for range 5 { // more than are kept
		add(t, l, lazy)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir)
	kept := builds(t, l)
	if len(kept) != 3 || !kept[0].Images[0].Sourced(layer) {
		t.Errorf("%d builds are left: %+v", len(kept), kept)
	}
	if l.Blobs().Has(layer) || !l.Blobs().Has(lazy.Descriptor) {
		t.Error("a blob came or went")
	}
	k, err := layout.Look(dir)
	if err != nil || len(k.Builds) != 3 {
		t.Errorf("others see %d builds, %v", len(k.Builds), err)
	}
}

// Another program that reads the directory knows of no sources.
func TestMerge_wantsAllLayers(t *testing.T) {
	l := openNew(t)
	lazy, layer := sourced(t, l, combine(t, l, "lazy", manifest(t, l, "amd64", "base")))
	dir := filepath.Join(t.TempDir(), "oci")
	err := l.Merge(t.Context(), []layout.Image{lazy}, dir)
	if err == nil || !strings.Contains(err.Error(), layer.Digest.String()) {
		t.Errorf("the error is %v, want one about %s", err, layer.Digest)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("something was written: %v", err)
	}
	if _, err := l.Blobs().Write(layer.MediaType, []byte("base")); err != nil {
		t.Fatal(err)
	}
	if err := l.Merge(t.Context(), []layout.Image{lazy}, dir); err != nil {
		t.Fatal(err)
	}
	entries(t, dir)
}
