package layout

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Manifest reads a manifest among the layout's blobs.
func (l *Layout) Manifest(desc ocispec.Descriptor) (ocispec.Manifest, error) {
	var manifest ocispec.Manifest
	err := l.blobs.ReadJSON(desc, &manifest)
	return manifest, err
}

// Index reads an index among the layout's blobs.
func (l *Layout) Index(desc ocispec.Descriptor) (ocispec.Index, error) {
	var index ocispec.Index
	err := l.blobs.ReadJSON(desc, &index)
	return index, err
}

// needed returns the blobs that images need.
func (l *Layout) needed(images []Image) ([]ocispec.Descriptor, error) {
	var needed []ocispec.Descriptor
	for _, image := range images {
		needed = append(needed, image.Descriptor)
		for _, desc := range image.Manifests {
			manifest, err := l.Manifest(desc)
			if err != nil {
				return nil, err
			}
			needed = append(append(needed, desc, manifest.Config), manifest.Layers...)
		}
	}
	return needed, nil
}

// Copy replaces the content of the layout by that of another.
func (l *Layout) Copy(ctx context.Context, from *Layout) error {
	images, err := from.Images()
	if err != nil {
		return err
	}
	needed, err := from.needed(images)
	if err != nil {
		return err
	}
	for _, desc := range needed {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := l.blobs.Copy(from.blobs, desc); err != nil {
			return err
		}
	}
	return l.Replace(images)
}

// prune removes the blobs that no image needs, except for those that are named besides.
func (l *Layout) prune(images []Image, besides []ocispec.Descriptor) error {
	needed, err := l.needed(images)
	if err != nil {
		return err
	}
	keep := map[string]bool{}
	for _, desc := range append(needed, besides...) {
		keep[desc.Digest.Encoded()] = true
	}
	blobs := filepath.Join(l.Dir(), ocispec.ImageBlobsDir, digest.SHA256.String())
	names, err := os.ReadDir(blobs)
	if err != nil {
		return err
	}
	for _, name := range names {
		if keep[name.Name()] {
			continue
		}
		if err := os.Remove(filepath.Join(blobs, name.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
