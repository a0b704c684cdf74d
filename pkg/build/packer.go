package build

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/recordset"
	"github.com/pulpimg/pulpimg/internal/treeindex"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// A packer makes the layers with the indexes of other layers, each once: many images share those of a base.
type packer struct {
	kept   []*layout.Blobs // that may have the layers
	store  treeindex.Store
	there  map[digest.Digest]toldIndex // that registries have already
	packed map[digest.Digest]*recordset.Packed

	mu       sync.Mutex
	contents map[digest.Digest][]byte // of the layers that were made, by digest
}

func newPacker(from *layout.Layout, layers *layer.Store, there map[digest.Digest]toldIndex) *packer {
	return &packer{
		kept: []*layout.Blobs{from.Blobs(), layers.Blobs()}, store: treeindex.OpenStore(layers.Blobs().Root()), there: there,
		packed: map[digest.Digest]*recordset.Packed{}, contents: map[digest.Digest][]byte{},
	}
}

// index returns the index of a layer as a layer of its own, and where it is if it is not on this machine. It reports false for a layer that
// is not here, of which nobody has an index.
func (p *packer) index(ctx context.Context, l sharedLayer) (_ recordset.Index, at string, ok bool, err error) {
	if told, ok := p.there[l.DiffID]; ok {
		return told.Index, told.Reference, true, nil
	}
	made, ok := p.packed[l.DiffID]
	if !ok {
		if made, err = p.pack(ctx, l); err != nil {
			return recordset.Index{}, "", false, err
		}
		p.packed[l.DiffID] = made
	}
	if made == nil {
		return recordset.Index{}, "", false, nil
	}
	return made.Index, "", true, nil
}

// pack makes the layer for an index; nil if there is no index.
func (p *packer) pack(ctx context.Context, l sharedLayer) (*recordset.Packed, error) {
	index, ok := p.store.Get(l.DiffID)
	if !ok {
		var err error
		if index, err = p.read(ctx, l); err != nil || index == nil {
			return nil, err
		}
	}
	data, err := index.Encode()
	if err != nil {
		return nil, err
	}
	made, err := recordset.Pack(l.DiffID, data)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.contents[made.Blob.Digest] = made.Content
	return &made, nil
}

// read makes the index of a layer that is on this machine, and keeps it.
func (p *packer) read(ctx context.Context, l sharedLayer) (*treeindex.Index, error) {
	for _, blobs := range p.kept {
		f, err := blobs.Open(ctx, l.Blob)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			continue // it is not here, or damaged
		}
		return l.index(ctx, f, p.store)
	}
	return nil, nil
}

// image returns a set as an image that can be published.
func (p *packer) image(encoded recordset.Encoded) (v1.Image, error) {
	empty, err := recordset.Empty()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.contents[empty.Blob.Digest] = empty.Content
	return partial.CompressedToImage(setImage{encoded, p})
}

// A setImage is a set as go-containerregistry sees an image.
type setImage struct {
	encoded recordset.Encoded
	packer  *packer
}

func (i setImage) RawManifest() ([]byte, error)        { return i.encoded.Manifest, nil }
func (i setImage) RawConfigFile() ([]byte, error)      { return i.encoded.Config, nil }
func (i setImage) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
func (i setImage) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	for _, l := range i.encoded.Layers {
		if l.Digest.String() == h.String() {
			return setLayer{h, l.Size, types.MediaType(l.MediaType), i.packer}, nil
		}
	}
	return nil, fs.ErrNotExist
}

// A setLayer is a layer of a set. One of a command may be in a registry only.
type setLayer struct {
	hash      v1.Hash
	size      int64
	mediaType types.MediaType
	packer    *packer
}

func (l setLayer) Digest() (v1.Hash, error)            { return l.hash, nil }
func (l setLayer) Size() (int64, error)                { return l.size, nil }
func (l setLayer) MediaType() (types.MediaType, error) { return l.mediaType, nil }
func (l setLayer) Compressed() (io.ReadCloser, error) {
	d := digest.Digest(l.hash.String())
	l.packer.mu.Lock()
	content, ok := l.packer.contents[d]
	l.packer.mu.Unlock()
	if ok {
		return io.NopCloser(bytes.NewReader(content)), nil
	}
	for _, blobs := range l.packer.kept {
		f, err := os.Open(blobs.Path(d))
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return nil, fs.ErrNotExist
}
