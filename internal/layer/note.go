package layer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/atomicfile"
)

// The store has two kinds of notes: the layer of a key, and the blob with the compressed form of a layer. A note that is damaged, or whose
// blob is missing, is ignored, which costs only time.

// The directories of the notes: of keys, and of blobs by the version of the compressor.
const (
	keysDir    = "keys"
	gzipPrefix = "gzip-"
)

// keyPath returns the file of the note with the layer of a key.
func (s *Store) keyPath(key string) string { return filepath.Join(s.blobs.Root(), keysDir, key) }

// blobPath returns the file of the note with the compressed form of a layer. Two releases of the compressor may write different bytes, so
// each has its own notes.
func (s *Store) blobPath(diffID digest.Digest) string {
	return filepath.Join(s.blobs.Root(), gzipPrefix+compressorVersion(), diffID.Encoded())
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

// byKey returns the layer of a key, if the store has it.
func (s *Store) byKey(key string) (diffID digest.Digest, desc ocispec.Descriptor, ok bool) {
	if !readNote(s.keyPath(key), &diffID) || diffID.Validate() != nil {
		return "", ocispec.Descriptor{}, false
	}
	desc, ok = s.byDiffID(diffID)
	return diffID, desc, ok
}

// byDiffID returns the compressed form of a layer, if the store has it.
func (s *Store) byDiffID(diffID digest.Digest) (desc ocispec.Descriptor, ok bool) {
	if !readNote(s.blobPath(diffID), &desc) || desc.Digest.Validate() != nil {
		return ocispec.Descriptor{}, false
	}
	return desc, s.blobs.Has(desc)
}

func readNote(name string, into any) bool {
	data, err := os.ReadFile(name)
	return err == nil && json.Unmarshal(data, into) == nil
}

// writeNote writes a note, with its directory.
func writeNote(name string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(name, data, 0o644)
}
