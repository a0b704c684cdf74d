package layout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"

	"github.com/gofrs/flock"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A NotLayoutError says that a directory is no image layout, or one that this program cannot add to.
type NotLayoutError struct {
	Dir    string
	Reason string
}

func (e *NotLayoutError) Error() string { return fmt.Sprintf("%s %s", e.Dir, e.Reason) }

// Merge puts images into an image layout of the user's, which is made when the directory is not there or empty. An image is there under each
// of its references, and takes the place of what has one of them. All else that the layout holds stays; the blobs of an image that was
// replaced go when nothing in the layout needs them. A directory that holds anything but an image layout is a [*NotLayoutError]. All layers
// of the images have to be in this layout: who reads the other one knows of no sources.
func (l *Layout) Merge(ctx context.Context, images []Image, dir string) (err error) {
	needed, err := l.needed(images)
	if err != nil {
		return err
	}
	for _, desc := range needed {
		if !l.blobs.Has(desc) {
			return fmt.Errorf("copying the images to %s: blob %s is not in %s", dir, desc.Digest, l.Dir())
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("opening the image layout: %w", err)
	}
	// The directory itself is locked, so that no file of ours is left in it.
	lock := flock.New(dir, flock.SetFlag(os.O_RDONLY))
	if _, err := lock.TryLockContext(ctx, lockInterval); err != nil {
		return fmt.Errorf("waiting for another command to leave %s: %w", dir, err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	if err := makeMergeable(dir); err != nil {
		return err
	}
	to, err := OpenBlobs(dir)
	if err != nil {
		return fmt.Errorf("opening the image layout: %w", err)
	}
	for _, desc := range needed {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := to.Copy(ctx, l.blobs, desc); err != nil {
			return fmt.Errorf("copying the images to %s: %w", dir, err)
		}
	}
	return replaceEntries(to, images)
}

// makeMergeable turns an empty directory into a layout before anything else is written: after an interruption, Merge still accepts it.
func makeMergeable(dir string) error {
	names, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("looking at %s: %w", dir, err)
	}
	if len(names) == 0 {
		return writeFiles(dir, newIndex([]ocispec.Descriptor{}))
	}
	data, err := os.ReadFile(filepath.Join(dir, ocispec.ImageLayoutFile))
	if errors.Is(err, fs.ErrNotExist) {
		return &NotLayoutError{dir, "holds something else than an image layout"}
	}
	if err != nil {
		return fmt.Errorf("looking at %s: %w", dir, err)
	}
	var layout ocispec.ImageLayout
	if json.Unmarshal(data, &layout) != nil || layout.Version != ocispec.ImageLayoutVersion {
		return &NotLayoutError{dir, fmt.Sprintf("is no image layout of version %s, which is the one to add to", ocispec.ImageLayoutVersion)}
	}
	return nil
}

// replaceEntries makes images entries of the layout that has their blobs.
func replaceEntries(in *Blobs, images []Image) error {
	index, err := readIndex(in.Root())
	if err != nil {
		return fmt.Errorf("reading the image layout %s: %w", in.Root(), err)
	}
	var replaced []ocispec.Descriptor
	for _, image := range images {
		index.Manifests = slices.DeleteFunc(index.Manifests, func(d ocispec.Descriptor) bool {
			same := slices.Contains(image.References, d.Annotations[ocispec.AnnotationRefName])
			if same {
				replaced = append(replaced, d)
			}
			return same
		})
		for _, reference := range image.References {
			entry := image.Descriptor
			entry.Annotations = namesOf(reference)
			entry.Annotations[annotationImage] = image.Name
			index.Manifests = append(index.Manifests, entry)
		}
	}
	if index.SchemaVersion == 0 {
		index.Versioned, index.MediaType = newIndex(nil).Versioned, ocispec.MediaTypeImageIndex
	}
	if err := writeFiles(in.Root(), index); err != nil {
		return err
	}
	return removeUnreachable(in, replaced, index.Manifests)
}

// removeUnreachable removes the blobs that were reachable from entries that are gone and are not from those that are left.
func removeUnreachable(in *Blobs, gone, left []ocispec.Descriptor) error {
	old, stays := map[digest.Digest]bool{}, map[digest.Digest]bool{}
	for _, d := range gone {
		if err := reach(in, d.Digest, old); err != nil {
			return err
		}
	}
	for _, d := range left {
		if err := reach(in, d.Digest, stays); err != nil {
			return err
		}
	}
	for d := range old {
		if stays[d] {
			continue
		}
		if err := os.Remove(in.Path(d)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing what %s no longer needs: %w", in.Root(), err)
		}
	}
	return nil
}

// maxManifest bounds the size of a manifest; registries accept no larger ones either.
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests
const maxManifest = 4 << 20

var anyDigest = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`sha256:[0-9a-f]{64}`) })

// reach marks a blob, and all blobs that it names, as reached. The user's layout may hold blobs of any kind, so every digest in a small blob
// of JSON counts. A blob that cannot be read is an error: it may name others.
func reach(in *Blobs, d digest.Digest, reached map[digest.Digest]bool) error {
	if d.Validate() != nil || reached[d] {
		return nil
	}
	reached[d] = true
	data, err := readSmall(in.Path(d))
	if err != nil {
		return fmt.Errorf("finding out what %s still needs: %w", in.Root(), err)
	}
	if !json.Valid(data) {
		return nil
	}
	for _, found := range anyDigest().FindAll(data, -1) {
		if err := reach(in, digest.Digest(found), reached); err != nil {
			return err
		}
	}
	return nil
}

// readSmall reads a file that may be a manifest. It returns nothing for a larger one, and for one that is not there.
func readSmall(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxManifest {
		return nil, err
	}
	return os.ReadFile(file)
}
