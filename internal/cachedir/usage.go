package cachedir

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
)

// An inode tells files apart that have several names. The zero value stands for a file with one name.
type inode struct{ device, number uint64 }

// Usage returns what the files below a directory take on disk, in bytes. A file with several names counts once. Files may come and go
// meanwhile, and the directory need not be there.
func Usage(ctx context.Context, dir string) (int64, error) {
	return usage(ctx, dir, func(err error) error { return err })
}

// Visible returns the same of what this user may see, and whether that is the whole directory.
func Visible(ctx context.Context, dir string) (total int64, whole bool, err error) {
	whole = true
	total, err = usage(ctx, dir, func(err error) error {
		if errors.Is(err, fs.ErrPermission) {
			whole = false
			return nil
		}
		return err
	})
	return total, whole, err
}

// usage calls failed with the error of what cannot be read, which decides whether to go on.
func usage(ctx context.Context, dir string, failed func(error) error) (int64, error) {
	seen := map[inode]bool{}
	var total int64
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return failed(unlessGone(err))
		}
		info, err := entry.Info()
		if err != nil {
			return unlessGone(err)
		}
		bytes, id := blocks(info)
		if id != (inode{}) {
			if seen[id] {
				return nil
			}
			seen[id] = true
		}
		total += bytes
		return nil
	})
	return total, err
}

func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
