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
	seen := map[inode]bool{}
	var total int64
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return unlessGone(err)
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
