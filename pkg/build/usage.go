package build

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/pulpimg/pulpimg/internal/cachedir"
	"github.com/pulpimg/pulpimg/internal/layer"
)

// A Usage is the disk space that a cache takes, in bytes, without the engine's.
type Usage struct {
	Layers, Images int64
	// Together counts a file once that is in a layer and in images.
	Together int64
	// LayerCount is the number of file layers, and LayersUnused is when the one was used that was not for longest.
	LayerCount   int
	LayersUnused time.Time
	// Specs are the specs whose images are kept.
	Specs []SpecUsage
}

// A SpecUsage is the disk space that the images of a spec take.
type SpecUsage struct {
	// Name is the name of the family. If the spec of the images is unknown, it is the name of their directory.
	Name string
	// Spec is the path of the spec, or empty, and Gone reports whether it is no longer there.
	Spec   string
	Gone   bool
	Dir    string
	Builds int // 0 if they cannot be read
	Size   int64
	// LastUsed is when a command last worked with the images.
	LastUsed time.Time
}

// Usage measures the cache. What cannot be looked at is left out, and the error is about it.
func (c Cache) Usage(ctx context.Context) (u Usage, err error) {
	dir, err := c.Path()
	if err != nil {
		return Usage{}, err
	}
	layers := filepath.Join(dir, layersDir)
	if u.Together, err = c.onDisk(ctx); err != nil {
		return Usage{}, err
	}
	if u.Layers, err = cachedir.Usage(ctx, layers); err != nil {
		return Usage{}, fmt.Errorf("measuring the file layers: %w", err)
	}
	if u.Images, err = cachedir.Usage(ctx, filepath.Join(dir, imagesDir)); err != nil {
		return Usage{}, fmt.Errorf("measuring the built images: %w", err)
	}
	kept, err := layer.Look(ctx, layers)
	if err != nil {
		return u, fmt.Errorf("looking through the file layers: %w", err)
	}
	for _, k := range kept {
		if !k.IsLayer {
			continue
		}
		if u.LayerCount++; u.LayersUnused.IsZero() || k.LastUsed.Before(u.LayersUnused) {
			u.LayersUnused = k.LastUsed
		}
	}
	u.Specs, err = c.specUsages(ctx)
	return u, err
}

// onDisk returns what the cache takes without the engine, in bytes.
func (c Cache) onDisk(ctx context.Context) (int64, error) {
	dir, err := c.Path()
	if err != nil {
		return 0, err
	}
	n, err := cachedir.Usage(ctx, filepath.Join(dir, layersDir), filepath.Join(dir, imagesDir))
	if err != nil {
		return 0, fmt.Errorf("measuring the cache: %w", err)
	}
	return n, nil
}

func (c Cache) specUsages(ctx context.Context) ([]SpecUsage, error) {
	kept, lookErr := c.layouts()
	var all []SpecUsage
	for _, k := range kept {
		if k.LastUsed.IsZero() {
			continue
		}
		used := SpecUsage{Name: k.Family, Spec: k.Spec, Gone: isGone(k), Dir: k.Dir, Builds: len(k.Builds), LastUsed: k.LastUsed}
		if used.Name == "" {
			used.Name = filepath.Base(k.Dir)
		}
		var err error
		if used.Size, err = cachedir.Usage(ctx, k.Dir); err != nil {
			return all, fmt.Errorf("measuring the images in %s: %w", k.Dir, err)
		}
		all = append(all, used)
	}
	return all, lookErr
}
