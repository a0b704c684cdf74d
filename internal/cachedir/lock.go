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
	err = Alone(dir, func() error {
		var err error
		freed, err = EmptyAlone(ctx, dir, keep...)
		return err
	})
	return freed, err
}

// Alone calls a function while nobody else can use a directory. The error is [ErrInUse], and the function is not called, while somebody
// uses it. Nothing is written unless there is no lock yet, so it works on a full disk.
func Alone(dir string, do func() error) (err error) {
	if err := CheckOwn(dir); err != nil {
		return err
	}
	lock := flock.New(filepath.Join(dir, LockName))
	locked, err := lock.TryLock()
	switch {
	case errors.Is(err, syscall.ENOSPC): // without a lock file, nobody has used the directory yet
	case err != nil:
		return fmt.Errorf("locking %s: %w", dir, err)
	case !locked:
		return ErrInUse
	default:
		defer func() { err = errors.Join(err, lock.Unlock()) }()
	}
	return do()
}

// Remove removes a file, and returns how much that freed, in bytes: nothing while the file has another name. It is no error if the file is
// gone already.
func Remove(name string) (freed int64, err error) {
	info, err := os.Lstat(name)
	if err == nil {
		err = os.Remove(name)
	}
	if err != nil {
		return 0, unlessGone(err)
	}
	bytes, n := blocks(info)
	if n.count > 1 {
		return 0, nil
	}
	return bytes, nil
}

// Shared reports whether a file has another name, so that to remove it frees nothing.
func Shared(name string) bool {
	info, err := os.Lstat(name)
	if err != nil {
		return false
	}
	_, n := blocks(info)
	return n.count > 1
}

// EmptyAlone does what Empty does for a caller that has the directory for itself.
func EmptyAlone(ctx context.Context, dir string, keep ...string) (freed int64, err error) {
	keep = append(keep, LockName)
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
		bytes, err := Remove(name)
		freed += bytes
		return err
	})
	return freed, err
}
