package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pulpimg/pulpimg/internal/cachedir"
	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// A thing is something that a cache keeps, and that can go without the rest.
type thing struct {
	dir      string // the directory that a command locks that uses it; empty for what the engine keeps
	lastUsed time.Time
	gone     bool // it is an image of a spec that is no longer there
	// shared reports whether something else needs its space as well, so that to remove it frees next to nothing. It may be nil.
	shared func() bool
	// remove removes it and returns how many bytes that freed. The error is a [cachedir.ErrInUse] if a command uses its directory.
	remove func(context.Context) (freed int64, err error)
}

// things lists the file layers and builds of the cache. If some cannot be read, it lists the others and returns an error as well.
func (c Cache) things(ctx context.Context) ([]thing, error) {
	dir, err := c.Path()
	if err != nil {
		return nil, err
	}
	store := filepath.Join(dir, layersDir)
	all, err := layerThings(ctx, store)
	kept, layoutsErr := c.layouts()
	for _, k := range kept {
		all = append(all, layoutThings(k)...)
	}
	return all, errors.Join(err, layoutsErr)
}

func layerThings(ctx context.Context, store string) ([]thing, error) {
	kept, err := layer.Look(ctx, store)
	if err != nil {
		return nil, fmt.Errorf("looking through the file layers: %w", err)
	}
	var all []thing
	for _, k := range kept {
		all = append(all, thing{dir: store, lastUsed: k.LastUsed, shared: k.Shared, remove: func(context.Context) (freed int64, err error) {
			err = cachedir.Alone(store, func() error {
				freed, err = k.Remove()
				return err
			})
			if err != nil {
				err = fmt.Errorf("removing file layers from %s: %w", store, err)
			}
			return freed, err
		}})
	}
	return all, nil
}

// layoutThings returns the builds of a layout, the last of which goes last and with all the rest.
func layoutThings(k layout.Kept) []thing {
	if k.LastUsed.IsZero() {
		return nil // nothing was built there, or all of it was removed
	}
	gone := isGone(k)
	var all []thing
	for _, b := range slices.Backward(k.Builds) {
		if b.Number == k.Builds[0].Number {
			continue
		}
		lastUsed := b.Time
		if k.LastUsed.Before(lastUsed) {
			lastUsed = k.LastUsed
		}
		all = append(all, thing{dir: k.Dir, lastUsed: lastUsed, gone: gone, remove: func(context.Context) (int64, error) {
			return k.RemoveBuild(b.Number)
		}})
	}
	return append(all, thing{dir: k.Dir, lastUsed: k.LastUsed, gone: gone, remove: k.RemoveAll})
}

// isGone reports whether the spec of a layout is known not to be there any more.
func isGone(k layout.Kept) bool {
	if k.Spec == "" {
		return false
	}
	_, err := os.Stat(k.Spec)
	return errors.Is(err, fs.ErrNotExist)
}

// layouts describes all layouts of the cache. Those that cannot be looked at are left out, and the error is about them.
func (c Cache) layouts() ([]layout.Kept, error) {
	dirs, err := c.layoutDirs()
	if err != nil {
		return nil, err
	}
	var (
		all  []layout.Kept
		errs []error
	)
	for _, dir := range dirs {
		k, err := layout.Look(dir)
		if err != nil {
			errs = append(errs, fmt.Errorf("looking at the images in %s: %w", dir, err))
			continue
		}
		if !strings.HasSuffix(dir, layoutSuffix()) {
			k.Builds = nil // of another format: it stays or goes as a whole
		}
		all = append(all, k)
	}
	return all, errors.Join(errs...)
}

// layoutDirs returns the directories of all layouts of the cache.
func (c Cache) layoutDirs() ([]string, error) {
	dir, err := c.Path()
	if err != nil {
		return nil, err
	}
	images := filepath.Join(dir, imagesDir)
	if err := cachedir.CheckOwn(images); err != nil {
		return nil, err
	}
	families, err := os.ReadDir(images)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("looking through the built images: %w", err)
	}
	dirs := make([]string, len(families))
	for i, family := range families {
		dirs[i] = filepath.Join(images, family.Name())
	}
	return dirs, nil
}

// layoutSuffix ends the name of a layout's directory. It names the format.
func layoutSuffix() string { return fmt.Sprintf(".v%d", layout.Format) }
