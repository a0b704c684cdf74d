package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// lockPoll is the time between two attempts to get the lock. The kernel can wait for a lock, but not for the end of a context as well.
const lockPoll = 20 * time.Millisecond

// lock is a lock on a file that belongs to an open file description (F_OFD_SETLK, see fcntl(2)), and so to every process that inherited the
// descriptor. It is free when the last of them has ended. Other processes can see that it is held without taking it.
type lock struct{ file *os.File }

// acquire takes the lock. If it has to wait for it, it tells the user once.
func acquire(ctx context.Context, name string, notice func(string)) (*lock, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the embedded engine: %w", err)
	}
	l := &lock{f}
	if err := l.wait(ctx, notice); err != nil {
		return nil, errors.Join(fmt.Errorf("locking the embedded engine with %s: %w", name, err), f.Close())
	}
	// This fails when the disk is full. The lock counts all the same: the command that frees the disk needs it.
	_ = l.sign()
	return l, nil
}

func (l *lock) wait(ctx context.Context, notice func(string)) error {
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for told := false; ; told = true {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		err := l.try()
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EACCES) { // "POSIX allows either", fcntl(2)
			return err
		}
		if !told && notice != nil {
			notice(fmt.Sprintf("another pulpimg (pid %s) uses the engine; waiting for it", holder(l.file)))
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

func (l *lock) try() error {
	all := unix.Flock_t{Type: unix.F_WRLCK}
	return unix.FcntlFlock(l.file.Fd(), unix.F_OFD_SETLK, &all)
}

// sign writes this process's ID into the file.
func (l *lock) sign() error {
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err := l.file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

func (l *lock) release() error { return l.file.Close() }

// holder returns the process ID in the file, or "unknown".
func holder(f io.ReaderAt) string {
	buf := make([]byte, 32)
	n, _ := f.ReadAt(buf, 0)
	if pid := strings.TrimSpace(string(buf[:n])); pid != "" {
		return pid
	}
	return "unknown"
}

// locked reports whether a process holds the lock, and which, without taking it.
func locked(name string) (isLocked bool, pid int, err error) {
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return false, 0, nil
	}
	if err != nil {
		return false, 0, err
	}
	defer f.Close()
	// The question is what would prevent a read lock: whoever may read the file may ask that.
	query := unix.Flock_t{Type: unix.F_RDLCK}
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &query); err != nil {
		return false, 0, fmt.Errorf("asking who holds %s: %w", name, err)
	}
	if query.Type == unix.F_UNLCK {
		return false, 0, nil
	}
	pid, _ = strconv.Atoi(holder(f))
	return true, pid, nil
}
