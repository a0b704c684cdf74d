package layer

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/cachedir"
	"github.com/pulpimg/pulpimg/internal/statcache"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// A Layer is a layer in a store.
type Layer struct {
	// Blob describes the compressed layer.
	Blob ocispec.Descriptor
	// DiffID is the digest of the layer before compression.
	DiffID digest.Digest
	// Image is the digest of an image in the store that consists of this layer alone: an engine takes layers as images.
	Image digest.Digest
	// Entries is what the layer holds, sorted by path. They are not known of a layer that is Unlisted, which has some.
	Entries  []Entry
	Unlisted bool
	// Known reports whether the store had the layer before it was added.
	Known bool
}

// Options are the inputs of a layer other than its entries. They are those of a build and have no defaults.
type Options struct {
	// ModTime is the modification time of all entries.
	ModTime time.Time
	// Platform is the platform of the layer's image.
	Platform ocispec.Platform
	// ReadAll makes the store read all files, even those that seem unchanged.
	ReadAll bool
}

// A Store keeps layers in a directory. A layer is compressed once.
type Store struct {
	blobs *layout.Blobs
	turns chan struct{} // bounds how many layers are read or written at a time

	mu     sync.Mutex
	caches map[string]*statcache.Cache // by folder
	sums   map[file]statcache.Sum      // of the files that this process put into layers
	held   map[held]fs.FileInfo        // the files of blobs that were looked into
	adding map[string]chan struct{}    // the layers that are being added; a channel is closed when its layer is there
}

// OpenStore opens the store in a directory and makes it when it is not there. Several processes may use one store at once.
func OpenStore(dir string) (*Store, error) {
	blobs, err := layout.OpenBlobs(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the layer store: %w", err)
	}
	return &Store{
		blobs:  blobs,
		turns:  make(chan struct{}, runtime.GOMAXPROCS(0)),
		caches: map[string]*statcache.Cache{},
		sums:   map[file]statcache.Sum{},
		held:   map[held]fs.FileInfo{},
		adding: map[string]chan struct{}{},
	}, nil
}

// Blobs returns the blobs of the store.
func (s *Store) Blobs() *layout.Blobs { return s.blobs }

// Add adds the layer of the entries. Files that did not change since they were last read are not read again.
func (s *Store) Add(ctx context.Context, entries []Entry, opts Options) (_ Layer, err error) {
	a := &addition{store: s, entries: entries, opts: opts, contents: make([]content, len(entries))}
	leave, err := s.enter(ctx, a.identity())
	if err != nil {
		return Layer{}, err
	}
	defer leave()
	made, err := a.layer(ctx)
	if err != nil {
		return Layer{}, err
	}
	return s.finish(made, opts)
}

// IsEmpty reports whether a layer holds nothing.
func (l Layer) IsEmpty() bool { return len(l.Entries) == 0 && !l.Unlisted }

// ByDiffID returns the layer with a digest, which is not empty, if the store has it. What the layer holds is not listed.
func (s *Store) ByDiffID(ctx context.Context, diffID digest.Digest, opts Options) (made Layer, ok bool, err error) {
	made = Layer{DiffID: diffID, Known: true, Unlisted: true}
	if made.Blob, ok = s.byDiffID(ctx, diffID); !ok {
		return Layer{}, false, nil
	}
	made, err = s.finish(made, opts)
	return made, err == nil, err
}

// finish makes the image of a layer that the store has, and notes that the layer is used.
func (s *Store) finish(made Layer, opts Options) (_ Layer, err error) {
	if made.Image, err = s.image(made, opts.Platform); err != nil {
		return Layer{}, fmt.Errorf("storing a layer: %w", err)
	}
	cachedir.MarkUsed(s.blobPath(made.DiffID))
	return made, nil
}

// enter waits for a turn to add a layer. While the same layer is being added, it waits for that first, so that the layer is written once:
// images for several platforms have the same layers.
func (s *Store) enter(ctx context.Context, layer string) (leave func(), err error) {
	done := make(chan struct{})
	for {
		s.mu.Lock()
		other, ok := s.adding[layer]
		if !ok {
			s.adding[layer] = done
		}
		s.mu.Unlock()
		if !ok {
			break
		}
		select {
		case <-other:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	ended := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.adding, layer)
		close(done)
	}
	select {
	case s.turns <- struct{}{}:
		return func() { <-s.turns; ended() }, nil
	case <-ctx.Done():
		ended()
		return nil, context.Cause(ctx)
	}
}

// cache returns the cache for the files of a folder.
func (s *Store) cache(folder string) *statcache.Cache {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.caches[folder] == nil {
		absolute, err := filepath.Abs(folder)
		if err != nil {
			absolute = folder // the relative path will do for this process
		}
		s.caches[folder] = statcache.Open(filepath.Join(s.blobs.Root(), "stat"), absolute)
	}
	return s.caches[folder]
}

// saveCaches saves the digests of files for later processes.
func (s *Store) saveCaches() error {
	s.mu.Lock()
	all := slices.Collect(maps.Values(s.caches))
	s.mu.Unlock()
	for _, c := range all {
		if err := c.Save(); err != nil {
			return fmt.Errorf("saving the digests of files: %w", err)
		}
	}
	return nil
}

// image returns the digest of an image that consists of one layer.
func (s *Store) image(l Layer, platform ocispec.Platform) (digest.Digest, error) {
	return s.imageOf([]ocispec.Descriptor{l.Blob}, []digest.Digest{l.DiffID}, platform)
}

// imageOf writes the config and the manifest of an image that consists of layers, whose blobs need not be there.
func (s *Store) imageOf(layers []ocispec.Descriptor, diffIDs []digest.Digest, platform ocispec.Platform) (digest.Digest, error) {
	config, err := s.blobs.WriteJSON(ocispec.MediaTypeImageConfig, ocispec.Image{
		Platform: platform,
		RootFS:   ocispec.RootFS{Type: "layers", DiffIDs: diffIDs},
	})
	if err != nil {
		return "", err
	}
	manifest, err := s.blobs.WriteJSON(ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageManifest,
		Config:    config,
		Layers:    layers,
	})
	return manifest.Digest, err
}
