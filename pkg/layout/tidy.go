package layout

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/cachedir"
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
	kept := min(len(builds), keptBuilds)
	_, err = l.keep(builds[:kept], builds[kept:])
	return err
}

// keep removes builds and all blobs that those to keep do not need, and returns how many bytes that freed. The caller has the layout for
// itself.
func (l *Layout) keep(builds, removed []Build) (freed int64, err error) {
	keep := map[string]bool{}
	for _, b := range builds {
		needed, err := l.neededByBuild(b)
		if err != nil {
			return 0, err
		}
		for _, desc := range needed {
			keep[desc.Digest.Encoded()] = true
		}
	}
	if len(removed) > 0 {
		if err = l.writeIndex(builds); errors.Is(err, syscall.ENOSPC) {
			// Their layers make the space for it. Nothing needs a layer to read the index.
			if freed, err = l.removeLayers(removed, keep); err == nil {
				err = l.writeIndex(builds)
			}
		}
		if err != nil {
			return freed, err
		}
	}
	n, err := l.removeBlobs(keep)
	return freed + n, err
}

// removeLayers removes the layers of builds, but those to keep.
func (l *Layout) removeLayers(builds []Build, keep map[string]bool) (freed int64, err error) {
	for _, b := range builds {
		for _, image := range b.Images {
			for _, desc := range image.Manifests {
				manifest, err := l.Manifest(desc)
				if err != nil {
					continue // it goes with the index
				}
				for _, layer := range manifest.Layers {
					if keep[layer.Digest.Encoded()] {
						continue
					}
					n, err := cachedir.Remove(l.blobs.Path(layer.Digest))
					if freed += n; err != nil {
						return freed, err
					}
				}
			}
		}
	}
	return freed, nil
}

// neededByBuild returns the blobs that a build needs, and those that its engine does not send again.
func (l *Layout) neededByBuild(b Build) ([]ocispec.Descriptor, error) {
	needed, err := l.needed(b.Images)
	for _, document := range []*ocispec.Descriptor{b.Recipe, b.Shared} {
		if document != nil {
			needed = append(needed, *document)
		}
	}
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

// removeBlobs removes all blobs but those to keep, and what interrupted writers left among them. It returns how many bytes that freed.
func (l *Layout) removeBlobs(keep map[string]bool) (freed int64, err error) {
	blobs := filepath.Join(l.Dir(), ocispec.ImageBlobsDir, digest.SHA256.String())
	names, err := os.ReadDir(blobs)
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		if keep[name.Name()] {
			continue
		}
		n, err := cachedir.Remove(filepath.Join(blobs, name.Name()))
		if freed += n; err != nil {
			return freed, err
		}
	}
	return freed, nil
}
