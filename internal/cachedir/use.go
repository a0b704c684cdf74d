package cachedir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// lockInterval is how often a lock is tried.
const lockInterval = 20 * time.Millisecond

// A User keeps a directory from being emptied. The zero value uses no directory.
type User struct{ lock *flock.Flock }

// Use keeps a directory from being emptied until the returned function is called. The directory is made when it is not there.
func Use(ctx context.Context, dir string) (release func() error, err error) {
	u, err := NewUser(ctx, dir)
	return u.Release, err
}

// NewUser begins to use a directory, which it makes when it is not there. It waits while the directory is being emptied.
func NewUser(ctx context.Context, dir string) (User, error) {
	for {
		u, err := tryUser(ctx, dir)
		if err != nil || u.lock != nil {
			return u, err
		}
		if ctx.Err() != nil {
			return User{}, context.Cause(ctx)
		}
	}
}

// tryUser returns the zero value when the directory was removed in between.
func tryUser(ctx context.Context, dir string) (User, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return User{}, err
	}
	name := filepath.Join(dir, LockName)
	if err := touch(name); err != nil {
		return User{}, err
	}
	before, err := os.Stat(name)
	if err != nil {
		return User{}, unlessGone(err)
	}
	lock := flock.New(name, flock.SetFlag(os.O_RDONLY))
	if _, err := lock.TryRLockContext(ctx, lockInterval); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return User{}, nil
		}
		return User{}, fmt.Errorf("waiting for another command to leave %s: %w", dir, err)
	}
	after, err := os.Stat(name)
	if err != nil || !os.SameFile(before, after) {
		return User{}, lock.Unlock()
	}
	return User{lock}, nil
}

// touch creates a file if it does not exist. It needs no right to write to an existing one, so that a read-only directory can be used.
func touch(name string) error {
	f, err := os.OpenFile(name, os.O_RDONLY|os.O_CREATE, 0o644)
	if err != nil {
		return unlessGone(err) // the directory was removed in this moment
	}
	return f.Close()
}

// Release ends the use of the directory.
func (u User) Release() error {
	if u.lock == nil {
		return nil
	}
	return u.lock.Unlock()
}

// ReleaseAfter does the same. If there is no other user, it calls a function first, and nobody can use the directory in the meantime.
func (u User) ReleaseAfter(last func()) error {
	if err := u.Release(); err != nil || u.lock == nil {
		return err
	}
	if alone, err := u.lock.TryLock(); err != nil || !alone {
		return nil
	}
	last()
	return u.lock.Unlock()
}
