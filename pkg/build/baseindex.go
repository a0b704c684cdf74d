package build

import (
	"context"
	"errors"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

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
		for diffID, blob := range wanted {
			if err := b.indexOnEngine(ctx, diffID, blob); err != nil {
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

// unindexed returns the large layers of bases without an index, by diff ID.
func (b builder) unindexed(seen *forecast.Forecast) map[digest.Digest]ocispec.Descriptor {
	out := map[digest.Digest]ocispec.Descriptor{}
	if seen == nil {
		return out
	}
	indexes := treeindex.OpenStore(b.layers.Blobs().Root())
	for _, image := range seen.Images {
		if image.Base == nil {
			continue
		}
		for i, l := range image.Base.Layers {
			diffID := image.Base.Config.RootFS.DiffIDs[i]
			if l.Size >= minIndexed && !indexes.Has(diffID) {
				out[diffID] = l
			}
		}
	}
	return out
}

func (b builder) indexOnEngine(ctx context.Context, diffID digest.Digest, blob ocispec.Descriptor) error {
	f, err := b.engine.Open(ctx, blob)
	if err != nil {
		return err
	}
	index, read, err := treeindex.Read(ctx, f, blob.MediaType)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return treeindex.OpenStore(b.layers.Blobs().Root()).Put(read, index)
}
