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

// openLock opens the file of a lock, which it makes if there is none, and takes no lock yet.
func openLock(name string) (*lock, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the embedded engine: %w", err)
	}
	return &lock{f}, nil
}

// acquire takes the lock. If it has to wait for it, it tells the user once.
func acquire(ctx context.Context, name string, notice func(string)) (*lock, error) {
	l, err := openLock(name)
	if err != nil {
		return nil, err
	}
	if err := l.wait(ctx, unix.F_WRLCK, notice); err != nil {
		return nil, errors.Join(fmt.Errorf("locking the embedded engine with %s: %w", name, err), l.release())
	}
	l.sign()
	return l, nil
}

// tryAcquire takes the lock if it is free; otherwise, it returns nil.
func tryAcquire(name string) (*lock, error) {
	l, err := openLock(name)
	if err != nil {
		return nil, err
	}
	switch err := l.try(unix.F_WRLCK); {
	case busy(err):
		return nil, l.release()
	case err != nil:
		return nil, errors.Join(fmt.Errorf("locking the embedded engine with %s: %w", name, err), l.release())
	}
	l.sign()
	return l, nil
}

// share takes the lock together with others. It waits for one who has it alone.
func share(ctx context.Context, name string) (*lock, error) {
	l, err := openLock(name)
	if err != nil {
		return nil, err
	}
	if err := l.wait(ctx, unix.F_RDLCK, nil); err != nil {
		return nil, errors.Join(fmt.Errorf("locking the embedded engine with %s: %w", name, err), l.release())
	}
	return l, nil
}

// busy reports whether an attempt failed because somebody else has the lock: "POSIX allows either", fcntl(2).
func busy(err error) bool { return errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) }

func (l *lock) wait(ctx context.Context, kind int16, notice func(string)) error {
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for told := false; ; told = true {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		err := l.try(kind)
		if err == nil {
			return nil
		}
		if !busy(err) {
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

func (l *lock) try(kind int16) error {
	all := unix.Flock_t{Type: kind}
	return unix.FcntlFlock(l.file.Fd(), unix.F_OFD_SETLK, &all)
}

// sign writes this process's ID into the file. It fails when the disk is full. The lock counts all the same: the command that frees the disk
// needs it.
func (l *lock) sign() {
	if l.file.Truncate(0) == nil {
		_, _ = l.file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
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

// locked reports whether a process has the lock alone, and which took it, without taking it.
func locked(name string) (isLocked bool, pid int, err error) {
	// The question is what would prevent a shared lock: whoever may read the file may ask that.
	kind, f, err := heldAs(name, unix.F_RDLCK)
	if f == nil || err != nil {
		return false, 0, err
	}
	defer f.Close()
	if kind == unix.F_UNLCK {
		return false, 0, nil
	}
	pid, _ = strconv.Atoi(holder(f))
	return true, pid, nil
}

// shared reports whether processes share the lock.
func shared(name string) (bool, error) {
	kind, f, err := heldAs(name, unix.F_WRLCK)
	if f == nil || err != nil {
		return false, err
	}
	return kind == unix.F_RDLCK, f.Close()
}

// heldAs returns the kind of a lock that would prevent one of the given kind, and the open file; the file is nil if there is none.
func heldAs(name string, kind int16) (int16, *os.File, error) {
	f, err := os.OpenFile(name, openFor(kind), 0)
	if errors.Is(err, os.ErrNotExist) {
		return unix.F_UNLCK, nil, nil
	}
	if err != nil {
		return 0, nil, err
	}
	query := unix.Flock_t{Type: kind}
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &query); err != nil {
		return 0, nil, errors.Join(fmt.Errorf("asking who holds %s: %w", name, err), f.Close())
	}
	return query.Type, f, nil
}

// openFor returns how to open a file to ask about a kind of lock.
func openFor(kind int16) int {
	if kind == unix.F_WRLCK {
		return os.O_RDWR
	}
	return os.O_RDONLY
}
