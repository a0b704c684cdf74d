package build

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/record"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// What a build makes of what registries told it is as good as these registries. Its records are apart from the others, for each set of
// repositories, so that nobody who can write into one of them has a say in builds of other families.

// toldDir is the directory with the records of such builds: a directory for each set of repositories.
const toldDir = "told"

// toldBy returns the store of what was made with what some repositories told.
func toldBy(dir string, places []string) record.Store {
	return record.In(filepath.Join(dir, toldDir, digest.FromString(strings.Join(places, "\n")).Encoded()[:32]))
}

// scope returns the store of what was made of an image with what its repositories told.
func (s settings) scope(image *family.Image) record.Store {
	return toldBy(s.layers.Blobs().Root(), recordPlaces(s.families[0], image))
}

// record returns what is known of a key, which is one of an image: what this machine knows, or else what it made with what the image's
// repositories told, or else what they told in this build. What is known of a layer that is lost is less than that.
func (s settings) record(ctx context.Context, image *family.Image, key digest.Digest) (record.Record, bool) {
	own, ok := s.records.Get(key)
	if ok && (own.Blob == nil || s.layers.Holds(ctx, own.Result, *own.Blob)) {
		return own, true
	}
	if s.keepsRecords(s.families[0]) {
		if r, found := s.scope(image).Get(key); found && (r.Blob == nil || s.holds(ctx, r)) {
			s.lookup.setTold()
			return r, true
		}
		if r, found := s.lookup.record(key); found {
			return r, true
		}
	}
	return own, ok
}

// ownRecord returns what this machine made of a key of an image.
func (s settings) ownRecord(image *family.Image, key digest.Digest) (record.Record, bool) {
	if own, ok := s.records.Get(key); ok || !s.lookup.wasTold() {
		return own, ok
	}
	return s.scope(image).Get(key)
}

// keepRecord keeps a record of what this machine made of a key of an image, in place of any other.
func (s settings) keepRecord(image *family.Image, r record.Record) error {
	if !s.lookup.wasTold() {
		return s.records.Put(r)
	}
	if err := s.scope(image).Put(r); err != nil {
		return err
	}
	return s.records.Remove(r.Key)
}

// removeUnused removes records that nobody used for long.
func (s settings) removeUnused() {
	s.records.RemoveUnused()
	seen := map[record.Store]bool{}
	for _, image := range s.families[0].Images {
		if store := s.scope(image); !seen[store] {
			seen[store] = true
			store.RemoveUnused()
		}
	}
}
