package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pulpimg/pulpimg/internal/message"
)

// A brokenStateError reports that buildkitd cannot read its state.
type brokenStateError struct {
	Reason string
	Err    error
}

func (e *brokenStateError) Error() string { return e.Err.Error() }

func (e *brokenStateError) Unwrap() error { return e.Err }

// firstWrite is how many pages buildkitd's database writes into a new file. A full disk has cut off a file that is shorter. buildkitd opens
// some of these files only in the middle of a build, and crashes on others.
// https://github.com/etcd-io/bbolt/blob/v1.5.0/db.go
const firstWrite = 4

// checkDatabases finds database files that are shorter than firstWrite.
func (h home) checkDatabases() error {
	for _, pattern := range []string{"*.db", "*/*.db", "*/*/*.db"} {
		names, err := fs.Glob(os.DirFS(h.state()), pattern)
		if err != nil {
			return err
		}
		for _, name := range names {
			info, err := os.Stat(filepath.Join(h.state(), name))
			if err != nil {
				return fmt.Errorf("examining what the engine keeps: %w", err)
			}
			if size := info.Size(); size > 0 && size < firstWrite*int64(os.Getpagesize()) {
				return &brokenStateError{Reason: name + " is cut off", Err: fmt.Errorf("the embedded engine's %s is cut off", name)}
			}
		}
	}
	return nil
}

// executable returns an error if no program can run in the engine's directory. Mount flags such as nosuid and nodev do not matter: build
// steps run on mounts of their own.
func (h home) executable() error {
	var st unix.Statfs_t
	if err := unix.Statfs(string(h), &st); err != nil {
		return fmt.Errorf("examining the disk of the embedded engine's directory: %w", err)
	}
	if st.Flags&unix.ST_NOEXEC != 0 {
		return &UnusableError{NotExecutable,
			fmt.Errorf("%s is on a file system that is mounted with noexec, and the embedded engine's programs could not run there", h)}
	}
	return nil
}

// lowSpace is the free space in bytes below which errors name a full disk as the likely reason: buildkitd may have been unable to log it.
const lowSpace = 64 << 20

// failure returns the daemon's error together with the end of its log.
func (d *daemon) failure(what string, cause error) error {
	hint := ""
	if free, err := freeSpace(string(d.home)); err == nil && free < lowSpace {
		hint = fmt.Sprintf("\nonly %d MB are free in %s: free some space, remove %s (what it keeps is made again when needed), or set XDG_CACHE_HOME to another place",
			free>>20, d.home, d.home.state())
	}
	log := tail(d.home.log(), 12)
	err := fmt.Errorf("%s: %w%s\nthe end of %s:\n%s", what, cause, hint, d.home.log(), log)
	if reason := d.refusal(); reason != 0 {
		return &UnusableError{reason, fmt.Errorf("%s: %s", what, strings.TrimSpace(log))}
	}
	if reason := message.BrokenState(log); reason != "" {
		return &brokenStateError{Reason: reason, Err: err}
	}
	return err
}

// Exit codes of engine-init; see there.
const (
	exitNoMounts = 71
	exitNoProc   = 72
)

// refusal returns why the kernel does not let engine-init prepare the namespaces, or 0 if that is not what ended it.
func (d *daemon) refusal() Reason {
	select {
	case <-d.exited:
	default:
		return 0
	}
	var exit *exec.ExitError
	switch {
	case !errors.As(d.waitErr, &exit) || !d.ns.isSet():
		return 0
	case exit.ExitCode() == exitNoProc:
		return ProcMasked
	case exit.ExitCode() == exitNoMounts && restrictsUserns(sysctls):
		return AppArmorForbids
	case exit.ExitCode() == exitNoMounts:
		return NamespacesRefused
	}
	return 0
}

// freeSpace is what a process may still write to the disk of dir, in bytes.
func freeSpace(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * st.Bsize, nil
}
