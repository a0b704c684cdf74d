package layout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/blob"
)

// annotationImage names the image of the family that an entry of a layout's index is.
const annotationImage = "org.pulpimg.image"

// annotationContainerd is where containerd's tools look for the name of an image in a layout.
// https://github.com/containerd/containerd/blob/main/core/images/annotations.go
const annotationContainerd = "io.containerd.image.name"

// lockInterval is how often a lock is tried.
const lockInterval = 50 * time.Millisecond

// ErrEmpty says that a layout holds no images.
var ErrEmpty = errors.New("nothing was built yet")

// A Layout is an OCI image layout that holds the images of one family.
// https://github.com/opencontainers/image-spec/blob/main/image-layout.md
type Layout struct{ blobs *blob.Dir }

// An Image is an image of the family in a layout.
type Image struct {
	// Name is the image's name in the family.
	Name string
	// Reference is what the image was to be published under when it was built.
	Reference string
	// Descriptor is the image's manifest or, when there are several platforms, its index.
	Descriptor ocispec.Descriptor
	// Manifests are the manifests, one for each platform.
	Manifests []ocispec.Descriptor
}

// Open opens the layout in a directory and makes it when it is not there.
func Open(dir string) (*Layout, error) {
	blobs, err := blob.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the image layout: %w", err)
	}
	return &Layout{blobs: blobs}, nil
}

// Dir returns the layout's directory.
func (l *Layout) Dir() string { return l.blobs.Root() }

// Blobs returns the layout's blobs.
func (l *Layout) Blobs() *blob.Dir { return l.blobs }

// Lock keeps other builds out of the layout until the returned function is called.
func (l *Layout) Lock(ctx context.Context) (unlock func() error, err error) {
	lock := flock.New(filepath.Join(l.Dir(), ".lock"))
	if _, err := lock.TryLockContext(ctx, lockInterval); err != nil {
		return nil, fmt.Errorf("waiting for another build to leave %s: %w", l.Dir(), err)
	}
	return lock.Unlock, nil
}

// Combine returns an image of manifests whose blobs are in the layout. An image for several platforms gets an index.
func (l *Layout) Combine(name, reference string, manifests []ocispec.Descriptor) (Image, error) {
	image := Image{Name: name, Reference: reference, Manifests: manifests}
	if len(manifests) == 1 {
		image.Descriptor = manifests[0]
		return image, nil
	}
	desc, err := l.blobs.WriteJSON(ocispec.MediaTypeImageIndex, newIndex(manifests))
	if err != nil {
		return Image{}, fmt.Errorf("writing the index of %s into %s: %w", name, l.Dir(), err)
	}
	image.Descriptor = desc
	return image, nil
}

// Replace makes images the content of the layout, and removes the blobs that nothing needs any more. The blobs that are named besides stay.
func (l *Layout) Replace(images []Image, besides ...ocispec.Descriptor) error {
	if err := l.writeIndex(images); err != nil {
		return fmt.Errorf("writing the image layout %s: %w", l.Dir(), err)
	}
	if err := l.prune(images, besides); err != nil {
		return fmt.Errorf("tidying the image layout %s: %w", l.Dir(), err)
	}
	return nil
}

// Images returns the images of the layout, in build order. The error is ErrEmpty when there are none.
func (l *Layout) Images() ([]Image, error) {
	data, err := os.ReadFile(filepath.Join(l.Dir(), ocispec.ImageIndexFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrEmpty
	}
	if err != nil {
		return nil, fmt.Errorf("reading the image layout: %w", err)
	}
	var index ocispec.Index
	if err := json.Unmarshal(data, &index); err != nil {
		return nil, fmt.Errorf("reading the image layout %s: %w", l.Dir(), err)
	}
	images := make([]Image, len(index.Manifests))
	for i, desc := range index.Manifests {
		if images[i], err = l.image(desc); err != nil {
			return nil, fmt.Errorf("reading the image layout %s: %w", l.Dir(), err)
		}
	}
	return images, nil
}

func (l *Layout) image(desc ocispec.Descriptor) (Image, error) {
	image := Image{
		Name:       desc.Annotations[annotationImage],
		Reference:  desc.Annotations[ocispec.AnnotationRefName],
		Descriptor: desc,
		Manifests:  []ocispec.Descriptor{desc},
	}
	if desc.MediaType != ocispec.MediaTypeImageIndex {
		return image, nil
	}
	index, err := l.Index(desc)
	image.Manifests = index.Manifests
	return image, err
}

func newIndex(manifests []ocispec.Descriptor) ocispec.Index {
	return ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: manifests}
}

// writeIndex writes the files that make a directory of blobs a layout.
func (l *Layout) writeIndex(images []Image) error {
	entries := make([]ocispec.Descriptor, len(images))
	for i, image := range images {
		entries[i] = image.Descriptor
		entries[i].Annotations = map[string]string{
			annotationImage:           image.Name,
			ocispec.AnnotationRefName: image.Reference,
			annotationContainerd:      image.Reference,
		}
	}
	if err := replaceJSON(filepath.Join(l.Dir(), ocispec.ImageLayoutFile), ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion}); err != nil {
		return err
	}
	return replaceJSON(filepath.Join(l.Dir(), ocispec.ImageIndexFile), newIndex(entries))
}

// replaceJSON writes a file by rename, so that a reader sees the old one or the new one.
func replaceJSON(name string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	tmp := name + ".new"
	if err := os.WriteFile(tmp, append(data, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, name)
}
