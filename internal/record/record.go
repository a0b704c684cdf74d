package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/atomicfile"
	"github.com/pulpimg/pulpimg/internal/cachedir"
	"github.com/pulpimg/pulpimg/internal/sealed"
)

// Format is the version of what a record says. It is in the name of the directory: another version does not see these records.
const Format = 1

// A Record says what a step made.
type Record struct {
	// Key is the key of the step.
	Key digest.Digest `json:"key"`
	// On tells on which results of commands it was made: for two runs of a command below that made different layers, it differs. So a record
	// whose On is not what the step would be made on now is one of another past, and says nothing.
	On digest.Digest `json:"on"`
	// Result is the diff ID of the layer. A result whose layer nobody has is another digest, which names it.
	Result digest.Digest `json:"result"`
	// Blob describes the compressed layer; nil if there is none.
	Blob *ocispec.Descriptor `json:"blob,omitempty"`
	// Ran is when the command ran, in UTC; the zero time for a step that runs none.
	Ran time.Time `json:"ran,omitzero"`
	// Again tells the run from earlier ones of the same command, to an engine that has the results of several. It is empty for the first one.
	Again string `json:"again,omitempty"`
	// Network reports whether the command could use the network, so that another run might make something else.
	Network bool `json:"network,omitempty"`
}

// Valid reports whether a record says what records say. Whether that is true is another question.
func (r Record) Valid() bool {
	for _, d := range []digest.Digest{r.Key, r.On, r.Result} {
		if d.Validate() != nil {
			return false
		}
	}
	return r.Blob == nil || r.Blob.Digest.Validate() == nil && r.Blob.Size > 0
}

// A Store keeps records in a directory, by their key.
type Store struct{ dir string }

// In returns the records below a directory, which need not be there yet.
func In(dir string) Store { return Store{filepath.Join(dir, "records.v"+strconv.Itoa(Format))} }

// Get returns the record of a key, if there is one.
func (s Store) Get(key digest.Digest) (Record, bool) {
	name := s.file(key)
	data, err := os.ReadFile(name)
	if err != nil {
		return Record{}, false
	}
	r, ok := decode(data)
	if !ok || r.Key != key || !r.Valid() {
		return Record{}, false
	}
	cachedir.MarkUsed(name)
	return r, true
}

// Put keeps a record in place of another one of its key.
func (s Store) Put(r Record) error {
	if before, ok := s.Get(r.Key); ok && before.Equal(r) {
		return nil
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	data, err := encode(r)
	if err != nil {
		return err
	}
	return atomicfile.Write(s.file(r.Key), data, 0o600)
}

// Remove removes the record of a key, if there is one.
func (s Store) Remove(key digest.Digest) error {
	if err := os.Remove(s.file(key)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Equal reports whether two records say the same.
func (r Record) Equal(other Record) bool {
	a, errA := encode(r)
	b, errB := encode(other)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// RemoveUnused removes records that nobody used for long.
func (s Store) RemoveUnused() { cachedir.RemoveUnused(s.dir) }

func (s Store) file(key digest.Digest) string {
	if key.Validate() != nil {
		return filepath.Join(s.dir, "no digest")
	}
	return filepath.Join(s.dir, key.Encoded())
}

// encode returns the content of a record's file: a SHA-256 checksum, and JSON.
func encode(r Record) ([]byte, error) {
	content, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return sealed.Seal(content), nil
}

func decode(data []byte) (Record, bool) {
	content, ok := sealed.Open(data)
	var r Record
	if !ok || json.Unmarshal(content, &r) != nil {
		return Record{}, false
	}
	return r, true
}
