package build

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/outside"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// A baseStore is the store of layers as an engine sees it: it has the layers of bases, too. Where they are kept nowhere on this machine, they
// come from the registry when the engine asks for them.
type baseStore struct {
	content.Store
	layers *layout.Blobs
	into   *layout.Blobs
	lookup *lookup
}

// Info implements content.InfoProvider.
func (s baseStore) Info(ctx context.Context, d digest.Digest) (content.Info, error) {
	info, err := s.Store.Info(ctx, d)
	if _, desc, ok := s.lookup.layer(d); ok && errdefs.IsNotFound(err) {
		return content.Info{Digest: d, Size: desc.Size}, nil
	}
	return info, err
}

// ReaderAt implements content.Provider.
func (s baseStore) ReaderAt(ctx context.Context, desc ocispec.Descriptor) (content.ReaderAt, error) {
	image, layer, ok := s.lookup.layer(desc.Digest)
	if !ok || s.layers.Has(layer) && s.layers.Check(ctx, layer) == nil {
		return s.Store.ReaderAt(ctx, desc)
	}
	if err := s.fetch(ctx, image, layer); err != nil {
		return nil, fmt.Errorf("getting a layer of %s: %w", image.Name, err)
	}
	return s.Store.ReaderAt(ctx, desc)
}

// fetch brings a layer into the store.
func (s baseStore) fetch(ctx context.Context, image outside.Image, layer ocispec.Descriptor) error {
	if s.into.Has(layer) && s.layers.Link(ctx, s.into, layer) == nil {
		return nil
	}
	return s.lookup.download(ctx, image, layer, s.layers)
}

// layer returns the layer of a base with a digest.
func (l *lookup) layer(d digest.Digest) (outside.Image, ocispec.Descriptor, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, base := range l.found {
		for _, layer := range base.Layers {
			if layer.Digest == d {
				return base, layer, true
			}
		}
	}
	return outside.Image{}, ocispec.Descriptor{}, false
}

// download brings a layer of a base from where it is.
func (l *lookup) download(ctx context.Context, image outside.Image, layer ocispec.Descriptor, into *layout.Blobs) (err error) {
	from, err := l.finder.Open(ctx, image, layer)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	w, err := into.Create()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	if _, err := io.Copy(w, from); err != nil { // its end is an error if it does not have its digest
		return err
	}
	_, err = w.Commit(layer.MediaType)
	return err
}
