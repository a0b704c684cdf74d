package registrytest

import (
	"fmt"
	"io"
	"io/fs"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/pkg/layout"
	"github.com/pulpimg/pulpimg/pkg/publish"
)

// sourceOf says that the layers of an image are in some repositories.
func sourceOf(t testing.TB, image v1.Image, repositories ...string) layout.Source {
	t.Helper()
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	d, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	source := layout.Source{Layers: map[digest.Digest]int64{}}
	for _, layer := range manifest.Layers {
		source.Layers[digest.Digest(layer.Digest.String())] = layer.Size
	}
	for _, repository := range repositories {
		source.References = append(source.References, repository+"@"+d.String())
	}
	return source
}

// withSource gives items a source.
func withSource(items []publish.Item, source layout.Source) []publish.Item {
	for i := range items {
		items[i].Sources = append(items[i].Sources, source)
	}
	return items
}

// without gives items a source whose layers are not on this machine.
func without(items []publish.Item, source layout.Source) []publish.Item {
	for i := range items {
		items[i].Content = lacking{items[i].Content.(v1.Image), source}
	}
	return withSource(items, source)
}

// lacking is an image some of whose layers are not on this machine.
type lacking struct {
	v1.Image
	source layout.Source
}

// LayerByDigest implements [v1.Image].
func (l lacking) LayerByDigest(h v1.Hash) (v1.Layer, error) {
	layer, err := l.Image.LayerByDigest(h)
	if _, ok := l.source.Layers[digest.Digest(h.String())]; ok && err == nil {
		layer = lackingLayer{layer}
	}
	return layer, err
}

type lackingLayer struct{ v1.Layer }

// Compressed implements [v1.Layer].
func (l lackingLayer) Compressed() (io.ReadCloser, error) {
	return nil, fmt.Errorf("opening the layer: %w", fs.ErrNotExist)
}

// origin is a registry with a base, on which a family is based that goes elsewhere, or to other repositories of the same registry.
type origin struct {
	*Proxy
	base v1.Image
	repo name.Repository
}

// newOrigin publishes a base of three layers.
func newOrigin(t testing.TB, p *Proxy, opts publish.Options) origin {
	t.Helper()
	base := newBase(t, 3, layerSize, 7)
	item := newItem(t, p.Host, "outer", "1", base)
	if _, err := publish.Publish(t.Context(), []publish.Item{item}, opts); err != nil {
		t.Fatalf("publishing the base: %v", err)
	}
	p.Forget()
	return origin{p, base, item.Reference.Repository}
}

// source says that the base is where it is.
func (o origin) source(t testing.TB) layout.Source { return sourceOf(t, o.base, o.repo.Name()) }

// family is two images on the base.
func (o origin) family(t testing.TB, host string) []publish.Item {
	t.Helper()
	inner := newRole(t, o.base, "inner", 8)
	return []publish.Item{newItem(t, host, "inner", "1", inner), newItem(t, host, "role", "1", newRole(t, inner, "role", 9))}
}

// layers are the digests of the base's layers.
func (o origin) layers(t testing.TB) []v1.Hash {
	t.Helper()
	manifest, err := o.base.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	out := make([]v1.Hash, len(manifest.Layers))
	for i, layer := range manifest.Layers {
		out[i] = layer.Digest
	}
	return out
}
