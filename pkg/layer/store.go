package layer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/blob"
)

// A Layer is a layer in a store.
type Layer struct {
	// Blob describes the compressed layer.
	Blob ocispec.Descriptor
	// DiffID is the digest of the layer before compression.
	DiffID digest.Digest
	// Image is the digest of an image in the store that consists of this layer alone: an engine takes layers as images.
	Image digest.Digest
	// Entries is what the layer holds, sorted by path.
	Entries []Entry
	// Known says that the store held the layer before it was added.
	Known bool
}

// A Store keeps layers in a directory. A layer is compressed once.
type Store struct{ blobs *blob.Dir }

// OpenStore opens the store in a directory and makes it when it is not there. Several processes may use one store at once.
func OpenStore(dir string) (*Store, error) {
	blobs, err := blob.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the layer store: %w", err)
	}
	return &Store{blobs: blobs}, nil
}

// Blobs returns the blobs of the store.
func (s *Store) Blobs() *blob.Dir { return s.blobs }

// Add writes a layer of the entries, all with the same modification time, for one platform.
func (s *Store) Add(entries []Entry, modTime time.Time, platform ocispec.Platform) (Layer, error) {
	digester := digest.SHA256.Digester()
	if err := writeTar(digester.Hash(), entries, modTime); err != nil {
		return Layer{}, err
	}
	made := Layer{DiffID: digester.Digest(), Entries: entries}
	var err error
	if made.Blob, made.Known = s.known(made.DiffID); !made.Known {
		made.Blob, err = s.compress(made, modTime)
	}
	if err == nil {
		made.Image, err = s.image(made, platform)
	}
	if err != nil {
		return Layer{}, fmt.Errorf("storing a layer: %w", err)
	}
	return made, nil
}

// compress writes the compressed form of a layer. It is the slow part, so a note in the store says which blob holds which layer.
func (s *Store) compress(l Layer, modTime time.Time) (ocispec.Descriptor, error) {
	var out bytes.Buffer
	zw, err := gzip.NewWriterLevel(&out, gzip.DefaultCompression) // the best one takes eight times as long for 3 %
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	verifier := l.DiffID.Verifier()
	err = writeTar(io.MultiWriter(zw, verifier), l.Entries, modTime)
	if err = errors.Join(err, zw.Close()); err != nil {
		return ocispec.Descriptor{}, err
	}
	if !verifier.Verified() {
		return ocispec.Descriptor{}, errChanged
	}
	desc, err := s.blobs.Write(ocispec.MediaTypeImageLayerGzip, out.Bytes())
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	return desc, s.note(l.DiffID, desc)
}

// image writes the config and the manifest of an image that consists of one layer.
func (s *Store) image(l Layer, platform ocispec.Platform) (digest.Digest, error) {
	config, err := s.blobs.WriteJSON(ocispec.MediaTypeImageConfig, ocispec.Image{
		Platform: platform,
		RootFS:   ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{l.DiffID}},
	})
	if err != nil {
		return "", err
	}
	manifest, err := s.blobs.WriteJSON(ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageManifest,
		Config:    config,
		Layers:    []ocispec.Descriptor{l.Blob},
	})
	return manifest.Digest, err
}

// notePath says where the store notes the compressed form of a layer. Two releases of the compressor may write other bytes, so each has
// notes of its own.
func (s *Store) notePath(diffID digest.Digest) string {
	return filepath.Join(s.blobs.Root(), "gzip-"+compressorVersion(), diffID.Encoded())
}

func compressorVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, module := range info.Deps {
		if module.Path == "github.com/klauspost/compress" {
			return module.Version
		}
	}
	return "unknown"
}

func (s *Store) known(diffID digest.Digest) (ocispec.Descriptor, bool) {
	data, err := os.ReadFile(s.notePath(diffID))
	if err != nil {
		return ocispec.Descriptor{}, false
	}
	var desc ocispec.Descriptor
	if json.Unmarshal(data, &desc) != nil {
		return ocispec.Descriptor{}, false
	}
	return desc, s.blobs.Has(desc)
}

// note writes by rename, so that a reader never sees half a note.
func (s *Store) note(diffID digest.Digest, desc ocispec.Descriptor) (err error) {
	name := s.notePath(diffID)
	data, err := json.Marshal(desc)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), ".note-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}
