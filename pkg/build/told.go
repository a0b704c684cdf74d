package build

import (
	"context"
	"fmt"
	"io"
	"reflect"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/outside"
	"github.com/pulpimg/pulpimg/internal/record"
	"github.com/pulpimg/pulpimg/internal/recordset"
	"github.com/pulpimg/pulpimg/internal/treeindex"
)

// What registries say counts for one build of one family, whose registries they are.

// A toldSet is a set that a registry has.
type toldSet struct {
	recordset.Set
	reference string // of its manifest, REGISTRY/REPOSITORY@DIGEST
}

// toldRecords is what registries said in a build.
type toldRecords struct {
	any     bool // something was told, in this build or an earlier one whose results it uses
	records map[digest.Digest]record.Record
	from    map[digest.Digest]string    // the repositories that the records are from
	layers  map[digest.Digest]toldBlob  // by the digest of the blob
	indexes map[digest.Digest]toldIndex // by the diff ID of the layer that the index is of
}

// A toldBlob is where a blob is.
type toldBlob struct {
	reference string
	blob      ocispec.Descriptor
}

// A toldIndex is where the index of a layer is.
type toldIndex struct {
	Reference string          `json:"reference"`
	Index     recordset.Index `json:"index"`
}

// believe takes over what a set says. What is known from another set stays.
func (l *lookup) believe(set toldSet, repository string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.told.records == nil {
		l.told = toldRecords{
			l.told.any, map[digest.Digest]record.Record{}, map[digest.Digest]string{}, map[digest.Digest]toldBlob{}, map[digest.Digest]toldIndex{},
		}
	}
	l.told.any = true
	for _, r := range set.Records {
		if _, ok := l.told.records[r.Key]; !ok {
			l.told.records[r.Key], l.told.from[r.Key] = r, repository
		}
	}
	for of, index := range set.Indexes {
		if _, ok := l.told.indexes[of]; !ok {
			l.told.indexes[of] = toldIndex{set.reference, index}
		}
	}
	blobs, _ := set.Blobs()
	for _, blob := range blobs {
		l.told.layers[blob.Digest] = toldBlob{set.reference, blob}
	}
	l.found = append(l.found, outside.Image{Reference: set.reference, Layers: blobs})
}

// setTold notes that the build uses what an earlier one made with what registries told.
func (l *lookup) setTold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told.any = true
}

// wasTold reports whether the build uses anything that registries told.
func (l *lookup) wasTold() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.told.any
}

// record returns what a registry said of a key.
func (l *lookup) record(key digest.Digest) (record.Record, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.told.records[key]
	return r, ok
}

// setFrom returns the repository that told of all records of a set, or nothing. It has the set, or one with more of them. What a command made that
// ran all the same is none that was told.
func (l *lookup) setFrom(set recordset.Set) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := l.told.from[set.Key]
	for _, r := range set.Records {
		if there, ok := l.told.records[r.Key]; !ok || l.told.from[r.Key] != from || !there.Equal(r) {
			return ""
		}
	}
	return from
}

// place returns where a layer is that a registry told of.
func (l *lookup) place(blob ocispec.Descriptor) (reference string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok := l.told.layers[blob.Digest]
	return at.reference, ok && reflect.DeepEqual(at.blob, blob)
}

// layers returns the layers that registries told of, each with a reference to what has it.
func (l *lookup) layers() map[digest.Digest]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[digest.Digest]string{}
	for d, at := range l.told.layers {
		out[d] = at.reference
	}
	return out
}

// indexPlace returns where the index of a layer is, if a registry told of it.
func (l *lookup) indexPlace(diffID digest.Digest) (toldIndex, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok := l.told.indexes[diffID]
	return at, ok
}

// index reads the index of a layer that a registry has.
func (l *lookup) index(ctx context.Context, diffID digest.Digest) (_ *treeindex.Index, ok bool, err error) {
	at, ok := l.indexPlace(diffID)
	if !ok {
		return nil, false, nil
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("reading the index of the layer %s in %s: %w", diffID, at.Reference, err)
		}
	}()
	r, err := l.finder.Reader.Blob(ctx, at.Reference, at.Index.Blob)
	if err != nil {
		return nil, false, err
	}
	defer r.Close()
	data, err := recordset.Unpack(diffID, r)
	if err != nil {
		return nil, false, err
	}
	if _, err := io.Copy(io.Discard, r); err != nil { // its digest is right only at its end
		return nil, false, err
	}
	index, err := treeindex.Decode(data)
	return index, err == nil, err
}
