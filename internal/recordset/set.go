package recordset

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/record"
)

// Format is the version of what the annotation says.
const Format = 1

// Annotation is the annotation of the manifest with the records: the number of the format, the SHA-256 checksum of the rest in hexadecimal
// digits, and JSON, with a space between them.
const Annotation = "org.pulpimg.records"

// maxRecords bounds the annotation: registries refuse manifests of more than 4 MB.
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests
const maxRecords = 2 << 20

// A Set is what a registry keeps under one key. It is immutable.
type Set struct {
	// Key is the key of the record that the set is found by.
	Key digest.Digest `json:"key"`
	// Records are those of steps of one image, from the lowest; the last one has the key of the set. Checks come before it.
	Records []record.Record `json:"records"`
	// Indexes are layers of the set with the index of another layer, by its diff ID.
	Indexes map[digest.Digest]Index `json:"indexes,omitempty"`
}

// An Index is a layer that Pack made.
type Index struct {
	Blob ocispec.Descriptor `json:"blob"`
	// DiffID is the digest of the layer before compression.
	DiffID digest.Digest `json:"diffID"`
}

// tagPrefix is what the tag of a set begins with.
const tagPrefix = "key-"

// Tag returns the tag of the set of a key.
func Tag(key digest.Digest) string { return tagPrefix + key.Encoded() }

// KeyOf returns the key of a set's tag, and reports whether the tag is one.
func KeyOf(tag string) (digest.Digest, bool) {
	hexadecimal, ok := strings.CutPrefix(tag, tagPrefix)
	key := digest.NewDigestFromEncoded(digest.SHA256, hexadecimal)
	return key, ok && key.Validate() == nil
}

// ErrFormat reports that a set has a format that this program does not know.
var ErrFormat = errors.New("its format is unknown to this version of the program")

// A DamagedError reports that something under the tag of a set is none.
type DamagedError struct{ Reason string }

func (e *DamagedError) Error() string { return "it is damaged: " + e.Reason }

// A ForeignError reports that a set is one of another key.
type ForeignError struct{ Key digest.Digest }

func (e *ForeignError) Error() string { return "it is about another key, " + e.Key.String() }

// Own returns the record that the set is found by.
func (s Set) Own() record.Record { return s.Records[len(s.Records)-1] }

// Equal reports whether two sets have the same records.
func (s Set) Equal(other Set) bool {
	a, errA := json.Marshal(s.Records)
	b, errB := json.Marshal(other.Records)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// Refreshed reports whether a command ran again, because it was to, since it ran for another set of the same key.
func (s Set) Refreshed(other Set) bool {
	before := map[digest.Digest]record.Record{}
	for _, r := range other.Records {
		before[r.Key] = r
	}
	return slices.ContainsFunc(s.Records, func(r record.Record) bool {
		was, ok := before[r.Key]
		return ok && r.Again != "" && r.Again != was.Again && r.Ran.After(was.Ran)
	})
}

// Blobs returns the layers of the records, each once, with their diff IDs.
func (s Set) Blobs() (blobs []ocispec.Descriptor, diffIDs []digest.Digest) {
	seen := map[digest.Digest]bool{}
	for _, r := range s.Records {
		if r.Blob != nil && !seen[r.Blob.Digest] {
			seen[r.Blob.Digest] = true
			blobs, diffIDs = append(blobs, *r.Blob), append(diffIDs, r.Result)
		}
	}
	return blobs, diffIDs
}

// An Encoded is a set as an image.
type Encoded struct {
	Manifest, Config []byte
	// Layers are those of the records, and then those of the indexes.
	Layers []ocispec.Descriptor
}

// Encode returns the set as an image for a platform. One without layers gets an empty one: registries refuse images that have none.
func (s Set) Encode(platform ocispec.Platform) (Encoded, error) {
	content, err := json.Marshal(s)
	if err != nil {
		return Encoded{}, err
	}
	if len(content) > maxRecords {
		return Encoded{}, fmt.Errorf("the records of %s have %d bytes, more than %d", s.Key, len(content), maxRecords)
	}
	layers, diffIDs := s.Blobs()
	for _, of := range slices.Sorted(maps.Keys(s.Indexes)) {
		layers, diffIDs = append(layers, s.Indexes[of].Blob), append(diffIDs, s.Indexes[of].DiffID)
	}
	if len(layers) == 0 {
		empty, err := Empty()
		if err != nil {
			return Encoded{}, err
		}
		layers, diffIDs = append(layers, empty.Blob), append(diffIDs, empty.DiffID)
	}
	e := Encoded{Layers: layers}
	if e.Config, err = json.Marshal(ocispec.Image{Platform: platform, RootFS: ocispec.RootFS{Type: "layers", DiffIDs: diffIDs}}); err != nil {
		return Encoded{}, err
	}
	sum := sha256.Sum256(content)
	e.Manifest, err = json.Marshal(ocispec.Manifest{
		Versioned:   specs.Versioned{SchemaVersion: 2},
		MediaType:   ocispec.MediaTypeImageManifest,
		Config:      ocispec.Descriptor{MediaType: ocispec.MediaTypeImageConfig, Digest: digest.FromBytes(e.Config), Size: int64(len(e.Config))},
		Layers:      layers,
		Annotations: map[string]string{Annotation: fmt.Sprintf("%d %s %s", Format, hex.EncodeToString(sum[:]), content)},
	})
	return e, err
}

// Decode returns the set of a key that a manifest has, and the manifest. Errors are [ErrFormat], a [*DamagedError] and a [*ForeignError].
func Decode(manifest []byte, key digest.Digest) (Set, ocispec.Manifest, error) {
	var m ocispec.Manifest
	if err := json.Unmarshal(manifest, &m); err != nil {
		return Set{}, m, &DamagedError{"it is not JSON"}
	}
	s, err := decode(m, key)
	return s, m, err
}

func decode(m ocispec.Manifest, key digest.Digest) (Set, error) {
	text, ok := m.Annotations[Annotation]
	if !ok {
		return Set{}, &DamagedError{"it has no records"}
	}
	format, rest, _ := strings.Cut(text, " ")
	if format != fmt.Sprint(Format) {
		return Set{}, ErrFormat
	}
	checksum, content, _ := strings.Cut(rest, " ")
	if sum := sha256.Sum256([]byte(content)); checksum != hex.EncodeToString(sum[:]) {
		return Set{}, &DamagedError{"its checksum is another one"}
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(content)))
	decoder.DisallowUnknownFields() // who adds a field changes the format
	var s Set
	if err := decoder.Decode(&s); err != nil || s.Key.Validate() != nil {
		return Set{}, &DamagedError{"its records are not those of the format"}
	}
	if _, err := decoder.Token(); err != io.EOF {
		return Set{}, &DamagedError{"there is something behind its records"}
	}
	if s.Key != key {
		return Set{}, &ForeignError{s.Key}
	}
	if err := s.check(m.Layers); err != nil {
		return Set{}, err
	}
	return s, nil
}

// CheckConfig returns a [*DamagedError] for a set whose records say something else of its layers than the config of its image does.
func (s Set) CheckConfig(m ocispec.Manifest, config []byte) error {
	var image ocispec.Image
	if err := json.Unmarshal(config, &image); err != nil || len(image.RootFS.DiffIDs) != len(m.Layers) {
		return &DamagedError{"its config is not that of its layers"}
	}
	contents := map[digest.Digest]digest.Digest{}
	for i, l := range m.Layers {
		contents[l.Digest] = image.RootFS.DiffIDs[i]
	}
	blobs, diffIDs := s.Blobs()
	for i, blob := range blobs {
		if contents[blob.Digest] != diffIDs[i] {
			return &DamagedError{"its records and its config differ about the layer " + blob.Digest.String()}
		}
	}
	return nil
}

// check returns an error for a set that says what none says, or names layers that its image does not have.
func (s Set) check(layers []ocispec.Descriptor) error {
	has := func(blob ocispec.Descriptor) bool {
		return slices.ContainsFunc(layers, func(l ocispec.Descriptor) bool { return reflect.DeepEqual(l, blob) })
	}
	if len(s.Records) == 0 || s.Own().Key != s.Key {
		return &DamagedError{"it has no record of its own key"}
	}
	for _, r := range s.Records {
		if !r.Valid() {
			return &DamagedError{"one of its records is none"}
		}
		if r.Blob != nil && !has(*r.Blob) {
			return &DamagedError{"it does not have the layer " + r.Blob.Digest.String()}
		}
	}
	for of, index := range s.Indexes {
		if of.Validate() != nil || index.DiffID.Validate() != nil || !has(index.Blob) {
			return &DamagedError{"it does not have one of its indexes"}
		}
	}
	return nil
}
