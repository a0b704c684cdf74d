package layer

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/atomicfile"
	"github.com/pulpimg/pulpimg/internal/ctxreader"
	"github.com/pulpimg/pulpimg/internal/statcache"
)

// The store has two kinds of notes: the layer of a key, and the blob with the compressed form of a layer. A note that is damaged, or whose
// blob is missing or damaged, is ignored, which costs only time.

// A keyNote is the note with the layer of a key. Its sum is over both, so that a note of another key is none of this one.
type keyNote struct {
	DiffID digest.Digest `json:"diffID"`
	Sum    string        `json:"sum"`
}

func newKeyNote(key string, diffID digest.Digest) keyNote {
	return keyNote{diffID, newSeal("key", key, diffID.String())}
}

// A blobNote is the note with the compressed form of a layer. The seal is over the layer, the descriptor and the stamp of the blob's file, when
// the content of the blob was known to be the layer. While the seal holds, the content is not looked at again.
type blobNote struct {
	ocispec.Descriptor
	Seal string `json:"seal,omitempty"`
}

func newSeal(parts ...string) string {
	sum := sha256.New()
	for _, part := range parts {
		_, _ = fmt.Fprintf(sum, "%d:%s,", len(part), part) // a hash takes everything
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// seal returns the seal of the note of a layer, for the blob's file as it is. The time at which the file's attributes changed is not in it: a
// hard link to the file changes that.
func (n blobNote) seal(diffID digest.Digest, file fs.FileInfo) string {
	stamp, _ := statcache.StampOf(file) // where files have none, their size and time have to do
	stamp.Size, stamp.Modified, stamp.Changed = file.Size(), file.ModTime().UnixNano(), 0
	return newSeal("blob", diffID.String(), n.MediaType, n.Digest.String(), strconv.FormatInt(n.Size, 10), fmt.Sprint(stamp))
}

// plain reports whether a descriptor says nothing but what a blob is: what else it said would be in the manifests of images.
func plain(desc ocispec.Descriptor) bool {
	return reflect.DeepEqual(desc, ocispec.Descriptor{MediaType: desc.MediaType, Digest: desc.Digest, Size: desc.Size})
}

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

var compressorVersion = sync.OnceValue(func() string {
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
})

// byKey returns the layer of a key, if the store has it.
func (s *Store) byKey(ctx context.Context, key string) (diffID digest.Digest, desc ocispec.Descriptor, ok bool) {
	var note keyNote
	if !readNote(s.keyPath(key), &note) || note.DiffID.Validate() != nil || note != newKeyNote(key, note.DiffID) {
		return "", ocispec.Descriptor{}, false
	}
	desc, ok = s.byDiffID(ctx, note.DiffID)
	return note.DiffID, desc, ok
}

// byDiffID returns the compressed form of a layer, if the store has it.
func (s *Store) byDiffID(ctx context.Context, diffID digest.Digest) (desc ocispec.Descriptor, ok bool) {
	desc, ok = s.noted(ctx, s.blobPath(diffID), diffID)
	return desc, ok && desc.MediaType == ocispec.MediaTypeImageLayerGzip
}

// noted returns the blob of a note about a layer, if the store has it and it is that layer.
func (s *Store) noted(ctx context.Context, name string, diffID digest.Digest) (ocispec.Descriptor, bool) {
	var note blobNote
	if !readNote(name, &note) || note.Digest.Validate() != nil || !plain(note.Descriptor) {
		return ocispec.Descriptor{}, false
	}
	info, err := os.Stat(s.blobs.Path(note.Digest))
	if err != nil || !info.Mode().IsRegular() || info.Size() != note.Size {
		return ocispec.Descriptor{}, false
	}
	if note.Seal == note.seal(diffID, info) {
		return note.Descriptor, true
	}
	if s.blobs.Check(ctx, note.Descriptor) != nil || !s.isLayer(ctx, note.Descriptor, diffID) {
		return ocispec.Descriptor{}, false
	}
	note.Seal = note.seal(diffID, info)
	_ = writeNote(name, note) // or else it is looked at again
	return note.Descriptor, true
}

// isLayer reports whether a blob, which has the content of its digest, is the compressed form of a layer.
func (s *Store) isLayer(ctx context.Context, desc ocispec.Descriptor, diffID digest.Digest) bool {
	f, err := os.Open(s.blobs.Path(desc.Digest))
	if err != nil {
		return false
	}
	defer f.Close()
	verifier := diffID.Verifier()
	err = decompress(ctxreader.New(ctx, f), desc.MediaType, verifier)
	return err == nil && verifier.Verified()
}

// decompress copies what is in a layer of a media type.
func decompress(in io.Reader, mediaType string, to io.Writer) error {
	switch {
	case strings.HasSuffix(mediaType, "gzip"):
		r, err := gzip.NewReader(in)
		if err != nil {
			return err
		}
		_, err = io.Copy(to, r)
		return err
	case strings.HasSuffix(mediaType, "zstd"):
		r, err := zstd.NewReader(in)
		if err != nil {
			return err
		}
		defer r.Close()
		_, err = io.Copy(to, r)
		return err
	}
	_, err := io.Copy(to, in)
	return err
}

// writeBlobNote notes that a blob, which was just written or compared with its digest, is the compressed form of a layer.
func (s *Store) writeBlobNote(name string, diffID digest.Digest, blob ocispec.Descriptor) error {
	note := blobNote{Descriptor: blob}
	if info, err := os.Stat(s.blobs.Path(blob.Digest)); err == nil {
		note.Seal = note.seal(diffID, info)
	}
	return writeNote(name, note)
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
