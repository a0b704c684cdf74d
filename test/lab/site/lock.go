package site

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// fileLock is a lock between processes: the kernel gives it up when its
// process ends, however that ends.
type fileLock struct{ file *os.File }

// errLocked says that another process has the lock.
var errLocked = errors.New("locked by another process")

// tryLockFile locks the file, which is made if it is not there, or returns
// errLocked.
func tryLockFile(name string) (*fileLock, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case err == nil:
		return &fileLock{f}, nil
	case errors.Is(err, syscall.EWOULDBLOCK):
		err = fmt.Errorf("%s: %w", name, errLocked)
	default:
		err = fmt.Errorf("locking %s: %w", name, err)
	}
	return nil, errors.Join(err, f.Close())
}

// lockInterval is the time between two looks at a lock: flock(2) itself cannot
// be cancelled.
const lockInterval = 100 * time.Millisecond

// lockFile locks the file as soon as nobody else has it; waiting is called once
// if that is not at once.
func lockFile(ctx context.Context, name string, waiting func()) (*fileLock, error) {
	for first := true; ; first = false {
		lock, err := tryLockFile(name)
		if !errors.Is(err, errLocked) {
			return lock, err
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(lockInterval):
		}
	}
}

func (l *fileLock) unlock() error { return l.file.Close() }
