package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/atomicfile"
	"github.com/pulpimg/pulpimg/internal/cachedir"
)

// DefaultSize is what file layers and images may take together, in bytes, unless somebody says otherwise. It is half of what the embedded
// engine keeps: the layers that commands make are in the engine as well, and most of what is in an image is shared with others.
const DefaultSize = 10_000_000_000

// sizesFile holds the result of the last measurement of a cache.
const sizesFile = "sizes.json"

// sizesFormat is the version of sizesFile. A file of another version is replaced: nothing else depends on it.
const sizesFormat = 1

// sizes are what the directories of a cache that hold blobs take.
type sizes struct {
	Format int              `json:"format"`
	Dirs   map[string]sized `json:"dirs"` // by their path below the cache
}

// A sized directory takes so many bytes as long as its directory of blobs was not modified.
type sized struct {
	Modified int64 `json:"modified"` // in nanoseconds
	Bytes    int64 `json:"bytes"`
}

// Collect keeps file layers and images within a size, in bytes; if they take more, a tenth of it is freed in addition, so that not every
// build has to remove something. It removes in the same order as [Cache.Reduce]. It skips what somebody uses: a later build collects that.
//
// It is cheap as long as there is nothing to remove: only directories that changed since the last time are measured.
func (c Cache) Collect(ctx context.Context, size int64) (freed int64, err error) {
	dir, err := c.Path()
	if err != nil {
		return 0, err
	}
	old := readSizes(dir)
	now, err := c.measureChanged(ctx, dir, old)
	if err != nil {
		return 0, err
	}
	if now.total() > size {
		// A file that got another name since its directory was measured counts too much.
		if now, err = c.measureChanged(ctx, dir, sizes{}); err != nil {
			return 0, err
		}
	}
	if now.total() > size {
		r := reducer{cache: c, limits: Limits{Size: size - size/10}, inUse: func(string) {}, now: time.Now()}
		done, err := r.files(ctx)
		if err != nil {
			return done.Freed, fmt.Errorf("keeping the cache within %d bytes: %w", size, err)
		}
		freed = done.Freed
		if now, err = c.measureChanged(ctx, dir, sizes{}); err != nil {
			return freed, err
		}
	}
	return freed, now.write(dir, old)
}

func (s sizes) total() int64 {
	var total int64
	for _, d := range s.Dirs {
		total += d.Bytes
	}
	return total
}

// measureChanged measures the directories that changed since another measurement.
func (c Cache) measureChanged(ctx context.Context, dir string, old sizes) (sizes, error) {
	dirs, err := c.stores()
	if err != nil {
		return sizes{}, err
	}
	now := sizes{Format: sizesFormat, Dirs: map[string]sized{}}
	for _, store := range dirs {
		name, err := filepath.Rel(dir, store)
		if err != nil {
			return sizes{}, err
		}
		info, err := os.Lstat(filepath.Join(store, ocispec.ImageBlobsDir, "sha256"))
		if err != nil {
			continue // nothing was built there
		}
		measured := sized{Modified: info.ModTime().UnixNano()}
		if before, ok := old.Dirs[name]; ok && before.Modified == measured.Modified {
			now.Dirs[name] = before
			continue
		}
		if measured.Bytes, err = cachedir.Share(ctx, store); err != nil {
			return sizes{}, fmt.Errorf("measuring %s: %w", store, err)
		}
		now.Dirs[name] = measured
	}
	return now, nil
}

// readSizes reads the result of the last measurement. There is none if it cannot be read.
func readSizes(dir string) sizes {
	data, err := os.ReadFile(filepath.Join(dir, sizesFile))
	var s sizes
	if err != nil || json.Unmarshal(data, &s) != nil || s.Format != sizesFormat {
		return sizes{}
	}
	return s
}

// write writes the result of a measurement if it differs from the last one.
func (s sizes) write(dir string, old sizes) error {
	if s.Format == old.Format && maps.Equal(s.Dirs, old.Dirs) {
		return nil
	}
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(filepath.Join(dir, sizesFile), append(data, '\n'), 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("recording what the cache takes: %w", err)
	}
	return nil
}
