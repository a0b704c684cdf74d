package cachedir

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
)

// names are the names of a file: how many there are, and what tells the file apart from others. The zero value is of a file with one name.
type names struct {
	count          uint64
	device, number uint64
}

// Usage returns what the files below directories take on disk, in bytes. A file with several names counts once. Files may come and go
// meanwhile, and the directories need not be there.
func Usage(ctx context.Context, dirs ...string) (int64, error) {
	return usage(ctx, dirs, func(err error) error { return err })
}

// Visible returns the same of what this user may see, and whether that is the whole directory.
func Visible(ctx context.Context, dir string) (total int64, whole bool, err error) {
	whole = true
	total, err = usage(ctx, []string{dir}, func(err error) error {
		if errors.Is(err, fs.ErrPermission) {
			whole = false
			return nil
		}
		return err
	})
	return total, whole, err
}

// usage calls failed with the error of what cannot be read, which decides whether to go on.
func usage(ctx context.Context, dirs []string, failed func(error) error) (int64, error) {
	seen := map[names]bool{}
	var total int64
	for _, dir := range dirs {
		err := each(ctx, dir, failed, func(bytes int64, n names) {
			if n.count > 1 {
				n.count = 0 // it may change meanwhile
				if seen[n] {
					return
				}
				seen[n] = true
			}
			total += bytes
		})
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// Share returns a directory's share of what the files below it take on disk, in bytes: half of a file that has one of its two names there.
func Share(ctx context.Context, dir string) (int64, error) {
	var total int64
	err := each(ctx, dir, func(err error) error { return err }, func(bytes int64, n names) {
		total += bytes / int64(max(n.count, 1))
	})
	return total, err
}

// each calls found with each file and directory below a directory, and failed with the error of what cannot be read.
func each(ctx context.Context, dir string, failed func(error) error, found func(bytes int64, n names)) error {
	return filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
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
		found(blocks(info))
		return nil
	})
}

func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
