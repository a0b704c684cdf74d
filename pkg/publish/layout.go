package publish

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

// Images publishes images of a layout under their references, as [Publish] does, and records it in the layout. If only the record fails,
// everything is published, and the error is a *RecordError beside the result.
func Images(ctx context.Context, from *layout.Layout, images []layout.Image, opts Options) (*Result, error) {
	items, err := Items(from, images)
	if err != nil {
		return nil, err
	}
	result, err := Publish(ctx, items, opts)
	if err != nil {
		return result, err
	}
	published := make(map[string]digest.Digest, len(items))
	for _, item := range result.Items {
		published[item.Reference.Name()] = digest.Digest(item.Digest.String())
	}
	if err := from.SetPublished(published); err != nil {
		return result, &RecordError{err}
	}
	return result, nil
}

// Items returns images of a layout as items, one for each of their references.
func Items(from *layout.Layout, images []layout.Image) ([]Item, error) {
	var items []Item
	before := earlierOf(from)
	for _, image := range images {
		all, err := itemsOf(from, image, before)
		if err != nil {
			return nil, err
		}
		items = append(items, all...)
	}
	return items, nil
}

// RecordError reports that everything is published, but that the layout has no record of it. Who needs a digest has to ask the registry.
type RecordError struct{ Err error }

func (e *RecordError) Error() string {
	return fmt.Sprintf("everything is published, but not recorded: %v", e.Err)
}

// Unwrap gives the reason.
func (e *RecordError) Unwrap() error { return e.Err }

func itemsOf(from *layout.Layout, image layout.Image, before earlier) ([]Item, error) {
	content, err := contentOf(from.Blobs(), image.Descriptor)
	if err != nil {
		return nil, fmt.Errorf("reading %s from %s: %w", image.Name, from.Dir(), err)
	}
	items := make([]Item, len(image.References))
	for i, reference := range image.References {
		tag, err := name.NewTag(reference)
		if err != nil {
			return nil, fmt.Errorf("publishing %s: %w", image.Name, err)
		}
		items[i] = Item{Name: image.Name, Reference: tag, Content: content, Sources: before.sources(from, image, tag)}
	}
	return items, nil
}
