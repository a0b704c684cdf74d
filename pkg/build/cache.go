package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pulpimg/pulpimg/internal/cachedir"
	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// A Cache is the directory in which commands and programs on this machine keep what later ones use. The zero value is the one that the
// pulpimg command has by default.
//
//	DIR/layers/         file layers, and what is known about the files in them and about bases
//	DIR/images/NAME/    the images of the last builds, a layout for each spec
//	DIR/engine/         the embedded engine's files; see package engine
type Cache struct {
	// Dir is the directory. Empty means pulpimg in os.UserCacheDir.
	Dir string
}

// Directories of a cache that hold blobs.
const (
	layersDir = "layers"
	imagesDir = "images"
)

// Path returns the directory of the cache, which need not exist yet. It is an error if another user could replace
// what is there: whoever can do that decides what this user runs and publishes.
func (c Cache) Path() (string, error) {
	dir := c.Dir
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("finding the cache directory (set XDG_CACHE_HOME or HOME): %w", err)
		}
		dir = filepath.Join(user, "pulpimg")
	}
	_, err := cachedir.Check(dir)
	return dir, err
}

// sub returns the path of a directory that holds blobs.
func (c Cache) sub(names ...string) (string, error) {
	dir, err := c.Path()
	if err != nil {
		return "", err
	}
	for _, name := range names {
		dir = filepath.Join(dir, name)
		if err := cachedir.CheckOwn(dir); err != nil {
			return "", err
		}
	}
	return dir, cachedir.CheckOwn(filepath.Join(dir, "blobs"), filepath.Join(dir, "blobs", "sha256"), filepath.Join(dir, "ingest"))
}

// Layout opens where the images of a family's spec are kept between builds. Specs are told apart by where their files are, because two of
// them may declare versions of one family. The layout must be closed.
func (c Cache) Layout(ctx context.Context, f *family.Family) (*layout.Layout, error) {
	absolute, err := filepath.Abs(f.Spec.Filename)
	if err != nil {
		return nil, fmt.Errorf("finding where the images of %s are kept: %w", f.Spec.Filename, err)
	}
	sum := sha256.Sum256([]byte(absolute))
	dir, err := c.sub(imagesDir, fmt.Sprintf("%s-%s%s", f.Name, hex.EncodeToString(sum[:6]), layoutSuffix()))
	if err != nil {
		return nil, err
	}
	l, err := layout.Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	l.SetOwner(layout.Owner{Family: f.Name, Spec: absolute})
	return l, nil
}

// layers opens where file layers are kept between builds.
func (c Cache) layers() (*layer.Store, error) {
	dir, err := c.sub(layersDir)
	if err != nil {
		return nil, err
	}
	return layer.OpenStore(dir)
}

// Prune removes all file layers and built images that nobody uses at the moment. It keeps the records of what was published, which take no
// space. It returns how many bytes it freed, also with an error, and calls inUse, if it is not nil, with each directory that stays because
// somebody uses it.
func (c Cache) Prune(ctx context.Context, inUse func(dir string)) (freed int64, err error) {
	dirs, err := c.stores()
	if err != nil {
		return 0, err
	}
	for _, dir := range dirs {
		n, emptyErr := cachedir.Empty(ctx, dir, layout.PublishedFile)
		freed += n
		switch {
		case errors.Is(emptyErr, cachedir.ErrInUse):
			if inUse != nil {
				inUse(dir)
			}
		case emptyErr != nil && !errors.Is(emptyErr, fs.ErrNotExist):
			err = errors.Join(err, fmt.Errorf("freeing %s: %w", dir, emptyErr))
		}
	}
	return freed, err
}

// stores returns all directories of the cache that hold blobs.
func (c Cache) stores() ([]string, error) {
	dir, err := c.Path()
	if err != nil {
		return nil, err
	}
	layouts, err := c.layoutDirs()
	return append([]string{filepath.Join(dir, layersDir)}, layouts...), err
}
