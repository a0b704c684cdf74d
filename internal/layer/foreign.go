package layer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/cachedir"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// commandsDir is the directory of the notes of layers that commands made. An engine compressed them.
const commandsDir = gzipPrefix + "commands"

// Keep takes the layer that a command made from other blobs.
func (s *Store) Keep(ctx context.Context, from *layout.Blobs, diffID digest.Digest, blob ocispec.Descriptor) error {
	if err := s.blobs.Link(ctx, from, blob); err != nil {
		return fmt.Errorf("keeping the layer of a command: %w", err)
	}
	if err := s.writeBlobNote(s.commandPath(diffID), diffID, blob); err != nil {
		return fmt.Errorf("keeping the layer of a command: %w", err)
	}
	return nil
}

func (s *Store) commandPath(diffID digest.Digest) string {
	return filepath.Join(s.blobs.Root(), commandsDir, diffID.Encoded())
}

// Holds reports whether the store has a blob as a whole and the blob is the compressed form of a layer, and notes that the layer is used. It
// believes what it noted when the blob was put there, for as long as the file is the same; otherwise it looks into the blob. Many images have the
// same layers: it looks for each once, and after that whether the file is still the same.
func (s *Store) Holds(ctx context.Context, diffID digest.Digest, blob ocispec.Descriptor) bool {
	if !plain(blob) {
		return false
	}
	asked := held{diffID, blob.MediaType, blob.Digest, blob.Size}
	file, err := os.Stat(s.blobs.Path(blob.Digest))
	if err != nil {
		return false
	}
	s.mu.Lock()
	known := s.held[asked]
	s.mu.Unlock()
	if known != nil && os.SameFile(known, file) && known.Size() == file.Size() && known.ModTime().Equal(file.ModTime()) {
		return true
	}
	if !s.holds(ctx, diffID, blob) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[asked] = file
	return true
}

// A held is a layer that a store was seen to hold.
type held struct {
	diffID    digest.Digest
	mediaType string
	blob      digest.Digest
	size      int64
}

func (s *Store) holds(ctx context.Context, diffID digest.Digest, blob ocispec.Descriptor) bool {
	for _, name := range []string{s.commandPath(diffID), s.blobPath(diffID)} {
		noted, ok := s.noted(ctx, name, diffID)
		switch {
		case ok && reflect.DeepEqual(noted, blob):
			cachedir.MarkUsed(name)
			return true
		case ok && noted.Digest == blob.Digest:
			return false // it is another kind of blob than somebody says
		}
	}
	// Another version of the compressor has notes of its own.
	if diffID.Validate() != nil || !isOCI(blob.MediaType) || !s.blobs.Has(blob) || s.blobs.Check(ctx, blob) != nil || !s.isLayer(ctx, blob, diffID) {
		return false
	}
	return s.writeBlobNote(s.commandPath(diffID), diffID, blob) == nil
}

// isOCI reports whether a media type is one of those that layers of images have here.
func isOCI(mediaType string) bool {
	switch mediaType {
	case ocispec.MediaTypeImageLayer, ocispec.MediaTypeImageLayerGzip, ocispec.MediaTypeImageLayerZstd:
		return true
	}
	return false
}

// Ready returns a layer that a store holds, without its list of files. It has no image, which is for engines.
func Ready(diffID digest.Digest, blob ocispec.Descriptor) Layer {
	return Layer{DiffID: diffID, Blob: blob, Known: true, Unlisted: diffID != emptyLayer}
}

// Held returns a layer that the store holds, as Ready does, with an image.
func (s *Store) Held(diffID digest.Digest, blob ocispec.Descriptor, platform ocispec.Platform) (_ Layer, err error) {
	made := Ready(diffID, blob)
	if made.Image, err = s.image(made, platform); err != nil {
		return Layer{}, fmt.Errorf("storing a layer: %w", err)
	}
	return made, nil
}

// emptyLayer is the diff ID of a layer that holds nothing: a tar archive of 1024 zeros.
const emptyLayer = digest.Digest("sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef")

// Chain returns the digest of an image in the store that consists of the layers of a base, whose blobs need not be there, and others on top.
func (s *Store) Chain(base []ocispec.Descriptor, diffIDs []digest.Digest, more []Layer, platform ocispec.Platform) (digest.Digest, error) {
	layers, ids := slices.Clone(base), slices.Clone(diffIDs)
	for _, l := range more {
		layers, ids = append(layers, l.Blob), append(ids, l.DiffID)
	}
	image, err := s.imageOf(layers, ids, platform)
	if err != nil {
		return "", fmt.Errorf("storing an image: %w", err)
	}
	return image, nil
}
