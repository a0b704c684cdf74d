package layout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/cachedir"
)

// Format is the version of what a layout holds in addition to what OCI defines. Directories of different formats must be different ones.
const Format = 2

// lockInterval is how often a lock is tried.
const lockInterval = 20 * time.Millisecond

// indexLock is held while the index is replaced. The other lock of a layout is that of its directory in the cache: a command that uses the
// images holds it shared, and one that removes blobs or empties the directory holds it exclusively.
const indexLock = ".index.lock"

// A Layout is an OCI image layout that holds the images of several builds of one spec.
// https://github.com/opencontainers/image-spec/blob/main/image-layout.md
type Layout struct {
	blobs *Blobs
	user  cachedir.User

	mu        sync.Mutex
	read      readIndexFile
	manifests map[digest.Digest]ocispec.Manifest // those that were read
}

// Open opens the layout in a directory and makes it when it is not there. It waits while another command removes what is no longer
// needed, which takes a moment. The layout must be closed.
func Open(ctx context.Context, dir string) (*Layout, error) {
	user, err := cachedir.NewUser(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("opening the image layout: %w", err)
	}
	blobs, err := OpenBlobs(dir)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the image layout: %w", err), user.Release())
	}
	return &Layout{blobs: blobs, user: user}, nil
}

// Close ends the use of the layout. If no other command uses it, it removes old builds, and the blobs that no build needs. Failing to remove
// them is no error: a later command tries again.
func (l *Layout) Close() error {
	if err := l.user.ReleaseAfter(func() { _ = l.tidy() }); err != nil {
		return fmt.Errorf("closing the image layout %s: %w", l.Dir(), err)
	}
	return nil
}

// Dir returns the layout's directory.
func (l *Layout) Dir() string { return l.blobs.Root() }

// Blobs returns the layout's blobs.
func (l *Layout) Blobs() *Blobs { return l.blobs }

// Manifest returns a manifest among the layout's blobs. It is read once.
func (l *Layout) Manifest(desc ocispec.Descriptor) (ocispec.Manifest, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, ok := l.manifests[desc.Digest]; ok {
		return known, nil
	}
	var manifest ocispec.Manifest
	if err := l.blobs.ReadJSON(desc, &manifest); err != nil {
		return ocispec.Manifest{}, err
	}
	manifest.Layers = slices.Clip(manifest.Layers) // who appends to them gets a copy
	if l.manifests == nil {
		l.manifests = map[digest.Digest]ocispec.Manifest{}
	}
	l.manifests[desc.Digest] = manifest
	return manifest, nil
}

// Index reads an index among the layout's blobs.
func (l *Layout) Index(desc ocispec.Descriptor) (ocispec.Index, error) {
	var index ocispec.Index
	err := l.blobs.ReadJSON(desc, &index)
	return index, err
}

// Combine returns an image of manifests whose blobs are in the layout. An image for several platforms gets an index, with these
// annotations.
func (l *Layout) Combine(name string, references []string, manifests []ocispec.Descriptor, annotations map[string]string) (Image, error) {
	image := Image{Name: name, References: references, Manifests: manifests}
	if len(manifests) == 1 {
		image.Descriptor = manifests[0]
		return image, nil
	}
	index := NewIndex(manifests, annotations)
	desc, err := l.blobs.WriteJSON(ocispec.MediaTypeImageIndex, index)
	if err != nil {
		return Image{}, fmt.Errorf("writing the index of %s into %s: %w", name, l.Dir(), err)
	}
	image.Descriptor = desc
	return image, nil
}

// NewIndex returns the index of an image for several platforms.
func NewIndex(manifests []ocispec.Descriptor, annotations map[string]string) ocispec.Index {
	index := newIndex(manifests)
	index.Annotations = annotations
	return index
}

func newIndex(manifests []ocispec.Descriptor) ocispec.Index {
	return ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: manifests}
}
