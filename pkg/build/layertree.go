package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/treeindex"
)

// layersOf returns the layers of a base, which may be nil, and those on top of it.
func layersOf(base *forecast.Base, more []layer.Layer) []madeLayer {
	var out []madeLayer
	if base != nil {
		for i, l := range base.Layers {
			out = append(out, madeLayer{base.Config.RootFS.DiffIDs[i], l})
		}
	}
	for _, l := range more {
		out = append(out, madeLayer{l.DiffID, l.Blob})
	}
	return out
}

// maxIndexed is how many layers are looked into at once: each may come from a registry.
const maxIndexed = 4

// indexTree returns the tree of layers, the lowest first.
func (p platformPlanner) indexTree(ctx context.Context, layers []madeLayer) (*treeindex.Tree, error) {
	indexes := make([]*treeindex.Index, len(layers))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxIndexed)
	for i, l := range layers {
		group.Go(func() (err error) {
			indexes[i], err = once(ctx, &p.opts.lookup.mu, p.opts.lookup.indexes, string(l.diffID), func() (*treeindex.Index, error) { return p.index(ctx, l) })
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return treeindex.Stack(indexes...), nil
}

// index returns the index of a layer. It reads the layer if its index is not kept.
func (p platformPlanner) index(ctx context.Context, l madeLayer) (*treeindex.Index, error) {
	indexes := treeindex.OpenStore(p.opts.layers.Blobs().Root())
	if index, ok := indexes.Get(l.diffID); ok {
		return index, nil
	}
	index, ok, err := p.opts.lookup.index(ctx, l.diffID)
	if ok || ctx.Err() != nil {
		return index, err
	}
	p.opts.warn(err) // the layer says it, too
	started := time.Now()
	var diffID digest.Digest
	err = p.opts.readLayer(ctx, l.blob, func(r io.Reader) (err error) {
		index, diffID, err = treeindex.Read(ctx, r, l.blob.MediaType)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("looking into the layer %s: %w", l.blob.Digest, err)
	}
	if diffID != l.diffID {
		return nil, fmt.Errorf("looking into the layer %s: its content is %s, and its image says %s", l.blob.Digest, diffID, l.diffID)
	}
	p.announce("look into the layer "+l.blob.Digest.String(), started, false)
	return index, indexes.Put(diffID, index)
}

// readLayer opens a layer, calls a function that reads it, and reads what the function left: a layer from a registry is verified at its end.
func (s settings) readLayer(ctx context.Context, blob ocispec.Descriptor, read func(io.Reader) error) (err error) {
	r, err := s.openLayer(ctx, blob)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if err := read(r); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r)
	return err
}

// openLayer opens a layer where it is: on this machine, or in a registry. What is damaged on this machine counts as not there.
func (s settings) openLayer(ctx context.Context, blob ocispec.Descriptor) (io.ReadCloser, error) {
	var damaged error
	for _, blobs := range s.kept {
		f, err := blobs.Open(ctx, blob)
		if err == nil {
			return f, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			damaged = err
		}
	}
	image, desc, ok := s.lookup.layer(blob.Digest)
	if !ok && damaged != nil {
		return nil, damaged
	}
	if !ok {
		return nil, fmt.Errorf("the blob %s is not kept, and no base has it", blob.Digest)
	}
	return s.lookup.finder.Open(ctx, image, desc)
}
