package cachedir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/gofrs/flock"
)

// LockName is the file in a directory of the cache on which all its users hold a shared lock.
const LockName = ".lock"

// ErrInUse reports that somebody uses a directory.
var ErrInUse = errors.New("in use")

// Empty removes the files of a directory, but those of the given names directly in it, and returns how much that freed, in bytes: a file that
// has another name elsewhere is counted when its last name goes.
// Directories stay: a process that opened one before may still use it. The error is [ErrInUse], and nothing is removed, while
// somebody uses the directory. Nothing is written unless there is no lock yet, so it works on a full disk.
func Empty(ctx context.Context, dir string, keep ...string) (freed int64, err error) {
	if err := CheckOwn(dir); err != nil {
		return 0, err
	}
	lock := flock.New(filepath.Join(dir, LockName))
	locked, err := lock.TryLock()
	switch {
	case errors.Is(err, syscall.ENOSPC): // without a lock file, nobody has used the directory yet
	case err != nil:
		return 0, fmt.Errorf("locking %s: %w", dir, err)
	case !locked:
		return 0, ErrInUse
	default:
		defer func() { err = errors.Join(err, lock.Unlock()) }()
	}
	return removeFiles(ctx, dir, append(keep, LockName))
}

func removeFiles(ctx context.Context, dir string, keep []string) (freed int64, err error) {
	err = filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return unlessGone(err)
		}
		if entry.IsDir() || filepath.Dir(name) == dir && slices.Contains(keep, entry.Name()) {
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return unlessGone(err)
		}
		if err := os.Remove(name); err != nil {
			return unlessGone(err)
		}
		if bytes, shared := blocks(info); shared == (inode{}) { // a file with another name still takes its place
			freed += bytes
		}
		return nil
	})
	return freed, err
}
