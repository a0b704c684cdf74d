package publish

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

// contentOf returns an image or an index of a layout. This is where the types of the OCI's own module become those of go-containerregistry.
// Its own images of layouts are not used: to find one, they read the index of all builds, once for each image.
func contentOf(from *layout.Blobs, desc ocispec.Descriptor) (Content, error) {
	hash, err := v1.NewHash(desc.Digest.String())
	if err != nil {
		return nil, err
	}
	return stored{from, v1.Descriptor{MediaType: types.MediaType(desc.MediaType), Digest: hash, Size: desc.Size}}.content()
}

// A stored is a blob of a layout.
type stored struct {
	from *layout.Blobs
	desc v1.Descriptor
}

// content returns an image or an index.
func (s stored) content() (Content, error) {
	raw := sync.OnceValues(s.read)
	if s.desc.MediaType.IsIndex() {
		return storedIndex{s, raw, sync.OnceValues(func() (*v1.IndexManifest, error) { return parsed(raw, v1.ParseIndexManifest) })}, nil
	}
	core := storedManifest{s, raw, sync.OnceValues(func() (*v1.Manifest, error) { return parsed(raw, v1.ParseManifest) })}
	derived, err := partial.CompressedToImage(core)
	return storedImage{derived, core}, err
}

// parsed returns a manifest in the form that a function makes of it.
func parsed[T any](raw func() ([]byte, error), parse func(io.Reader) (*T, error)) (*T, error) {
	data, err := raw()
	if err != nil {
		return nil, err
	}
	return parse(bytes.NewReader(data))
}

// read reads a blob that fits into memory, and compares it with its digest.
func (s stored) read() ([]byte, error) {
	return s.from.Read(ocispec.Descriptor{Digest: s.id(), Size: s.desc.Size})
}

func (s stored) id() digest.Digest { return digest.Digest(s.desc.Digest.String()) }

// The methods of v1.Layer, v1.Image and v1.ImageIndex of which the answer is in the descriptor. It is enough to find out that a registry has an
// image under its tag: then nothing is read.

func (s stored) Digest() (v1.Hash, error) { return s.desc.Digest, nil }

func (s stored) MediaType() (types.MediaType, error) { return s.desc.MediaType, nil }

func (s stored) Size() (int64, error) { return s.desc.Size, nil }

// A storedImage is an image of a layout. It is the [v1.Image] that go-containerregistry derives of its manifest, but knows its digest without
// reading it, and parses it once.
type storedImage struct {
	v1.Image
	core storedManifest
}

func (i storedImage) Digest() (v1.Hash, error) { return i.core.Digest() }

func (i storedImage) Manifest() (*v1.Manifest, error) { return i.core.parsed() }

// A storedManifest is the [partial.CompressedImageCore] of a storedImage.
type storedManifest struct {
	stored
	raw    func() ([]byte, error)
	parsed func() (*v1.Manifest, error)
}

func (m storedManifest) RawManifest() ([]byte, error) { return m.raw() }

func (m storedManifest) RawConfigFile() ([]byte, error) {
	manifest, err := m.parsed()
	if err != nil {
		return nil, err
	}
	return stored{m.from, manifest.Config}.read()
}

func (m storedManifest) LayerByDigest(hash v1.Hash) (partial.CompressedLayer, error) {
	manifest, err := m.parsed()
	if err != nil {
		return nil, err
	}
	for _, desc := range append(slices.Clip(manifest.Layers), manifest.Config) {
		if desc.Digest == hash {
			return storedLayer{stored{m.from, desc}}, nil
		}
	}
	return nil, fmt.Errorf("the image has no layer %s", hash)
}

// A storedLayer is a [partial.CompressedLayer].
type storedLayer struct{ stored }

// Compressed opens the layer. Whoever receives it compares it with its digest.
func (l storedLayer) Compressed() (io.ReadCloser, error) { return os.Open(l.from.Path(l.id())) }

// A storedIndex is a [v1.ImageIndex] of a layout.
type storedIndex struct {
	stored
	raw    func() ([]byte, error)
	parsed func() (*v1.IndexManifest, error)
}

func (i storedIndex) RawManifest() ([]byte, error) { return i.raw() }

func (i storedIndex) IndexManifest() (*v1.IndexManifest, error) { return i.parsed() }

func (i storedIndex) Image(hash v1.Hash) (v1.Image, error) { return entryOf[v1.Image](i, hash) }

func (i storedIndex) ImageIndex(hash v1.Hash) (v1.ImageIndex, error) {
	return entryOf[v1.ImageIndex](i, hash)
}

// entryOf returns an image or an index that an index lists.
func entryOf[T Content](index storedIndex, hash v1.Hash) (T, error) {
	var none T
	manifest, err := index.parsed()
	if err != nil {
		return none, err
	}
	at := slices.IndexFunc(manifest.Manifests, func(d v1.Descriptor) bool { return d.Digest == hash })
	if at < 0 {
		return none, fmt.Errorf("the index does not list %s", hash)
	}
	content, err := stored{index.from, manifest.Manifests[at]}.content()
	if err != nil {
		return none, err
	}
	entry, ok := content.(T)
	if !ok {
		return none, fmt.Errorf("%s is listed as %q", hash, manifest.Manifests[at].MediaType)
	}
	return entry, nil
}
