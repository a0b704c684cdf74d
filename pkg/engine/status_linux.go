package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"

	"github.com/moby/buildkit/util/archutil"

	"github.com/pulpimg/pulpimg/pkg/engine/bundle"
)

func embeddedStatus(ctx context.Context, o Options) (*Info, error) {
	h, err := homeOf(o.CacheDir)
	if err != nil {
		return nil, err
	}
	// The same probe of the kernel as buildkitd's own, so the same answer.
	info := &Info{Kind: Embedded, Dir: string(h), Platforms: archutil.SupportedPlatforms(false)}
	switch b, err := bundle.Load(); {
	case errors.Is(err, bundle.ErrEmpty):
	case err != nil:
		return nil, err
	default:
		info.BuildKit, info.Runc = b.Version("buildkitd"), b.Version("runc")
	}
	if info.Running, info.PID, err = locked(h.lock()); err != nil {
		return nil, fmt.Errorf("see whether the embedded engine runs: %w", err)
	}
	if info.DiskUsage, err = diskUsage(ctx, string(h)); err != nil {
		return nil, fmt.Errorf("measure the embedded engine's files: %w", err)
	}
	return info, nil
}

// diskUsage is what the files below dir take on disk, in bytes. A file with
// several names counts once. Files may come and go meanwhile.
func diskUsage(ctx context.Context, dir string) (int64, error) {
	type file struct{ dev, inode uint64 }
	seen := map[file]bool{}
	var bytes int64
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		st, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		sys := st.Sys().(*syscall.Stat_t)
		id := file{sys.Dev, sys.Ino}
		if sys.Nlink > 1 && !entry.IsDir() {
			if seen[id] {
				return nil
			}
			seen[id] = true
		}
		bytes += sys.Blocks * 512 // st_blocks is in units of 512 bytes, see stat(2)
		return nil
	})
	return bytes, err
}
