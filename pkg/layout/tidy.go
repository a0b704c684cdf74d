package layout

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// keptBuilds is how many builds stay when nobody uses the layout: the last one, and others from just before, such as those for other tags
// in the same CI job.
const keptBuilds = 3

// tidy removes builds that are too old to be kept, and the blobs that no build needs. The caller has the layout for itself.
func (l *Layout) tidy() (err error) {
	unlock, err := l.lockIndex(context.Background()) // it is free: only users of the layout hold it
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	builds, err := l.Builds()
	if errors.Is(err, ErrEmpty) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(builds) > keptBuilds {
		builds = builds[:keptBuilds]
		if err := l.writeIndex(builds); err != nil {
			return err
		}
	}
	keep := map[string]bool{}
	for _, b := range builds {
		needed, err := l.neededByBuild(b)
		if err != nil {
			return err
		}
		for _, desc := range needed {
			keep[desc.Digest.Encoded()] = true
		}
	}
	return l.removeBlobs(keep)
}

// neededByBuild returns the blobs that a build needs, and those that its engine does not send again.
func (l *Layout) neededByBuild(b Build) ([]ocispec.Descriptor, error) {
	needed, err := l.needed(b.Images)
	if err != nil || b.Export == nil {
		return needed, err
	}
	needed = append(needed, *b.Export)
	index, err := l.Index(*b.Export)
	if err != nil {
		return needed, nil // the engine sends it again
	}
	for _, desc := range index.Manifests {
		needed = append(needed, desc)
		if manifest, err := l.Manifest(desc); err == nil {
			needed = append(needed, manifest.Config)
		}
	}
	return needed, nil
}

// needed returns the blobs that images need.
func (l *Layout) needed(images []Image) ([]ocispec.Descriptor, error) {
	var needed []ocispec.Descriptor
	for _, image := range images {
		needed = append(needed, image.Descriptor)
		for _, desc := range image.Manifests {
			manifest, err := l.Manifest(desc)
			if err != nil {
				return nil, err
			}
			needed = append(append(needed, desc, manifest.Config), manifest.Layers...)
		}
	}
	return needed, nil
}

// removeBlobs removes all blobs but those to keep, and what interrupted writers left among them.
func (l *Layout) removeBlobs(keep map[string]bool) error {
	blobs := filepath.Join(l.Dir(), ocispec.ImageBlobsDir, digest.SHA256.String())
	names, err := os.ReadDir(blobs)
	if err != nil {
		return err
	}
	for _, name := range names {
		if keep[name.Name()] {
			continue
		}
		if err := os.Remove(filepath.Join(blobs, name.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
