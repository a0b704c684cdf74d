package layout

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
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
	use   *flock.Flock
}

// Open opens the layout in a directory and makes it when it is not there. It waits while another command removes what is no longer
// needed, which takes a moment. The layout must be closed.
func Open(ctx context.Context, dir string) (*Layout, error) {
	for {
		l, err := open(ctx, dir)
		if err != nil || l != nil {
			return l, err
		}
	}
}

// open returns nil when the directory was removed while it was opened.
func open(ctx context.Context, dir string) (*Layout, error) {
	blobs, err := OpenBlobs(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the image layout: %w", err)
	}
	l := &Layout{blobs: blobs, use: flock.New(filepath.Join(dir, cachedir.LockName), flock.SetFlag(os.O_RDONLY))}
	if err := touch(l.use.Path()); err != nil {
		return nil, fmt.Errorf("opening the image layout: %w", err)
	}
	before, err := os.Stat(l.use.Path())
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("opening the image layout: %w", err)
	}
	_, err = l.use.TryRLockContext(ctx, lockInterval)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("waiting for another command to leave %s: %w", dir, err)
	}
	after, err := os.Stat(l.use.Path())
	if err != nil || !os.SameFile(before, after) {
		return nil, l.use.Unlock()
	}
	return l, nil
}

// touch creates a file if it does not exist. It needs no right to write to an existing one, so that a read-only layout can be read.
func touch(name string) error {
	f, err := os.OpenFile(name, os.O_RDONLY|os.O_CREATE, 0o644)
	if errors.Is(err, os.ErrNotExist) { // the directory was removed in this moment
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// Close ends the use of the layout. If no other command uses it, it removes old builds, and the blobs that no build needs. Failing to remove
// them is no error: a later command tries again.
func (l *Layout) Close() error {
	if err := l.use.Unlock(); err != nil {
		return fmt.Errorf("closing the image layout %s: %w", l.Dir(), err)
	}
	if alone, err := l.use.TryLock(); err != nil || !alone {
		return nil
	}
	tidyErr := l.tidy()
	if err := l.use.Unlock(); err != nil {
		return fmt.Errorf("closing the image layout %s: %w", l.Dir(), errors.Join(err, tidyErr))
	}
	return nil
}

// Dir returns the layout's directory.
func (l *Layout) Dir() string { return l.blobs.Root() }

// Blobs returns the layout's blobs.
func (l *Layout) Blobs() *Blobs { return l.blobs }

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

func newIndex(manifests []ocispec.Descriptor) ocispec.Index {
	return ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: manifests}
}
