package build

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/treeindex"
)

// indexBases makes the indexes of layers of bases while an embedded engine runs commands on them, which has unpacked them by then. Later builds
// place files with them, and registries are told of them. The function that it returns waits for the end, or ends it. An index that is not made
// here is made when it is needed.
func (b builder) indexBases(ctx context.Context, seen *forecast.Forecast, running <-chan struct{}) (end func(wait bool)) {
	wanted := b.unindexed(seen)
	if b.engine == nil || len(wanted) == 0 {
		return func(bool) {}
	}
	ctx, cancel := context.WithCancel(ctx)
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-running:
		case <-over: // it ran none: perhaps the engine has not even read the base
			return
		}
		for _, l := range wanted {
			if err := b.indexOnEngine(ctx, l); err != nil {
				return // who needs it says what is wrong
			}
		}
	}()
	return func(wait bool) {
		close(over)
		if !wait {
			cancel()
		}
		<-done
		cancel()
	}
}

// unindexed returns the large layers of bases without an index, each once.
func (b builder) unindexed(seen *forecast.Forecast) []sharedLayer {
	if seen == nil {
		return nil
	}
	var out []sharedLayer
	indexes := treeindex.OpenStore(b.layers.Blobs().Root())
	for _, image := range seen.Images {
		if image.Base == nil {
			continue
		}
		for _, l := range unindexed(indexes, image.Base) {
			if !slices.ContainsFunc(out, func(o sharedLayer) bool { return o.DiffID == l.DiffID }) {
				out = append(out, l)
			}
		}
	}
	return out
}

func (b builder) indexOnEngine(ctx context.Context, l sharedLayer) error {
	f, err := b.engine.Open(ctx, l.Blob)
	if err != nil {
		return err
	}
	_, err = l.index(ctx, f, treeindex.OpenStore(b.layers.Blobs().Root()))
	return err
}

// index makes the index of a layer that was opened, keeps it in a store, and closes the layer. It is nil for content with another diff ID.
func (l sharedLayer) index(ctx context.Context, content io.ReadCloser, into treeindex.Store) (*treeindex.Index, error) {
	index, diffID, err := treeindex.Read(ctx, content, l.Blob.MediaType)
	if err = errors.Join(err, content.Close()); err != nil || diffID != l.DiffID {
		return nil, err
	}
	return index, into.Put(diffID, index)
}
