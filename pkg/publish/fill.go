package publish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

// Fill downloads the layers of images that are not in their layout from their sources, several at a time. Each is checked, and is there as a
// whole or not at all. If no source has one of them, the error is a [*LayerError].
func Fill(ctx context.Context, into *layout.Layout, images []layout.Image, opts Options) error {
	f := filler{into: into, places: make(places)}
	wanted, err := f.missing(images)
	if err != nil || len(wanted) == 0 {
		return err
	}
	o, err := opts.settings()
	if err != nil {
		return err
	}
	var total int64
	for _, l := range wanted {
		total += l.blob.size
	}
	f.reader = newLayerReader(o, nil)
	f.progress = newProgress(o.Progress, total)
	f.progress.moving = Downloading
	defer f.progress.stop()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(o.Jobs)
	for _, l := range wanted {
		g.Go(func() error {
			if err := f.download(ctx, l); err != nil {
				return fmt.Errorf("downloading %s of %s: %w", l.blob.digest, l.image, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// filler brings layers into a layout.
type filler struct {
	into     *layout.Layout
	places   places
	reader   *layerReader
	progress *progress
}

// missingLayer is a layer that is not in the layout, and the first image that needs it.
type missingLayer struct {
	image     string
	blob      blob
	mediaType string
}

// missing returns the layers that are not in the layout, each once, the largest first. It notes where all of them are.
func (f *filler) missing(images []layout.Image) ([]missingLayer, error) {
	var all []missingLayer
	seen := make(map[digest.Digest]bool)
	for _, image := range images {
		layers, err := f.into.Missing(image)
		if err != nil {
			return nil, fmt.Errorf("looking for the layers of %s in %s: %w", image.Name, f.into.Dir(), err)
		}
		layers = slices.DeleteFunc(layers, func(d ocispec.Descriptor) bool { return seen[d.Digest] })
		for _, desc := range layers {
			hash, err := v1.NewHash(desc.Digest.String())
			if err != nil {
				return nil, fmt.Errorf("looking for the layers of %s in %s: %w", image.Name, f.into.Dir(), err)
			}
			seen[desc.Digest] = true
			all = append(all, missingLayer{image.Name, blob{digest: hash, size: desc.Size, layer: true}, desc.MediaType})
		}
		f.places.add(image.Sources)
	}
	slices.SortStableFunc(all, func(a, b missingLayer) int { return cmp.Compare(b.blob.size, a.blob.size) })
	return all, nil
}

// download brings a layer into the layout from the first place that gives it.
func (f *filler) download(ctx context.Context, l missingLayer) error {
	all := f.places[l.blob.digest]
	var from name.Repository
	if len(all) > 0 {
		from = all[0].repo
	}
	progress := f.progress.of(from, l.blob, true)
	err := tryPlaces(ctx, l.image, l.blob, all, func(at place) error {
		repeat := repeater{f.reader.settings.Backoff, transientError, nil}
		_, err := repeat.do(ctx, func(int) (*http.Response, error) { return nil, f.downloadOnce(ctx, at, l, progress) })
		return err
	})
	if err == nil {
		progress.done(Downloaded)
	}
	return err
}

func (f *filler) downloadOnce(ctx context.Context, at place, l missingLayer, p *blobProgress) (err error) {
	content, err := f.reader.open(ctx, at, l.blob)
	if err != nil {
		return err
	}
	content = p.watch(content)
	defer func() { _ = content.Close() }() // the layer is whole, or the error that counts is another one
	w, err := f.into.Blobs().Create()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	if _, err := io.Copy(w, content); err != nil {
		return err
	}
	_, err = w.Commit(l.mediaType)
	return err
}
