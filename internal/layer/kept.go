package layer

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/cachedir"
)

// A Kept is something that a store keeps: a layer with all that belongs to it, or a file that belongs to no layer, such as the digests of
// a folder's files.
type Kept struct {
	// LastUsed is when it was last used, to the minute.
	LastUsed time.Time
	// IsLayer reports whether it is a layer.
	IsLayer bool

	// notes are the files that lead to the others; they are touched when the layer is used. They go first.
	notes, files []string
}

// Look lists what the store in a directory keeps, and changes nothing. The directory need not be there.
func Look(ctx context.Context, dir string) ([]*Kept, error) {
	if err := cachedir.CheckOwn(dir); err != nil {
		return nil, err
	}
	found := map[string]time.Time{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !entry.Type().IsRegular() || name == filepath.Join(dir, cachedir.LockName) {
			return err
		}
		if info, err := entry.Info(); err == nil { // or else it is gone
			found[name] = info.ModTime()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	i := inventory{files: found, blobs: filepath.Join(dir, ocispec.ImageBlobsDir), layers: map[digest.Digest]*Kept{}}
	i.findLayers(dir)
	i.findManifests()
	return i.all(), nil
}

// An inventory sorts the files of a store.
type inventory struct {
	files  map[string]time.Time    // those that belong to nothing yet, with when they were modified
	blobs  string                  // the directory of the blobs
	layers map[digest.Digest]*Kept // by the digest of the blob
}

// findLayers finds the layers by their notes.
func (i inventory) findLayers(dir string) {
	diffIDs := map[digest.Digest]*Kept{}
	for name, modified := range i.files {
		var desc ocispec.Descriptor
		if !strings.HasPrefix(filepath.Base(filepath.Dir(name)), gzipPrefix) || !readNote(name, &desc) || desc.Digest.Validate() != nil {
			continue
		}
		k := i.layers[desc.Digest]
		if k == nil {
			k = &Kept{IsLayer: true}
			i.layers[desc.Digest] = k
			i.take(k, i.path(desc.Digest))
		}
		if modified.After(k.LastUsed) {
			k.LastUsed = modified
		}
		k.notes = append(k.notes, name)
		delete(i.files, name)
		diffIDs[digest.NewDigestFromEncoded(digest.SHA256, filepath.Base(name))] = k
	}
	for name := range i.files {
		var note keyNote
		if filepath.Dir(name) == filepath.Join(dir, keysDir) && readNote(name, &note) && diffIDs[note.DiffID] != nil {
			i.take(diffIDs[note.DiffID], name)
		}
	}
}

// maxManifest bounds the size of the manifests that a store writes.
const maxManifest = 16 << 10

// findManifests finds the images that the store made of its layers.
func (i inventory) findManifests() {
	for name := range i.files {
		if !strings.HasPrefix(name, i.blobs) {
			continue
		}
		info, err := os.Stat(name)
		if err != nil || info.Size() > maxManifest {
			continue
		}
		data, err := os.ReadFile(name)
		var manifest ocispec.Manifest
		if err != nil || json.Unmarshal(data, &manifest) != nil || len(manifest.Layers) != 1 {
			continue
		}
		if k := i.layers[manifest.Layers[0].Digest]; k != nil {
			i.take(k, name)
			i.take(k, i.path(manifest.Config.Digest))
		}
	}
}

// path returns the file of a blob.
func (i inventory) path(d digest.Digest) string {
	if d.Validate() != nil {
		return ""
	}
	return filepath.Join(i.blobs, d.Algorithm().String(), d.Encoded())
}

// take makes a file a part of a layer if it is there and belongs to none yet.
func (i inventory) take(k *Kept, name string) {
	if _, ok := i.files[name]; ok {
		delete(i.files, name)
		k.files = append(k.files, name)
	}
}

// all returns the layers, and each file that belongs to none.
func (i inventory) all() []*Kept {
	var all []*Kept
	for _, k := range i.layers {
		all = append(all, k)
	}
	for name, modified := range i.files {
		all = append(all, &Kept{LastUsed: modified, notes: []string{name}})
	}
	return all
}

// Shared reports whether images have the layer as well, so that to remove it frees next to nothing.
func (k *Kept) Shared() bool { return slices.ContainsFunc(k.files, cachedir.Shared) }

// Remove removes it from the store, and returns how many bytes that freed. It removes nothing if it was used since it was looked at. The
// caller has the store for itself.
func (k *Kept) Remove() (freed int64, err error) {
	for _, name := range k.notes {
		if info, err := os.Stat(name); err == nil && info.ModTime().After(k.LastUsed) {
			return 0, nil
		}
	}
	for _, names := range [][]string{k.notes, k.files} {
		for _, name := range names {
			n, err := cachedir.Remove(name)
			if freed += n; err != nil {
				return freed, err
			}
		}
	}
	return freed, nil
}
