package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/pulpimg/pulpimg/internal/cachedir"
	"github.com/pulpimg/pulpimg/pkg/engine/bundle"
)

// A site is what the embedded engine of a user has on this machine: its directory, its programs, and the namespace that it runs in.
type site struct {
	home   home
	bundle *bundle.Bundle // nil if this binary has none
	ns     userns
	reason error // why there is no namespace, if this user needs one
	lock   *lock // of the engine, if this process has it
}

// removeAll removes files and all below them. An ordinary user may not remove what build steps made as other users of the namespace, so the
// rest is removed in the namespace. The caller holds the lock.
func (s site) removeAll(ctx context.Context, paths ...string) error {
	var errs []error
	for _, path := range paths {
		errs = append(errs, os.RemoveAll(path))
	}
	err := errors.Join(errs...)
	switch {
	case !errors.Is(err, fs.ErrPermission):
		return err
	case !s.ns.isSet() || s.bundle == nil:
		return errors.Join(err, s.reason)
	}
	bin, err := unpack(ctx, s.home, s.bundle)
	if err != nil {
		return err
	}
	if _, err := s.inNamespace(ctx, bin, append([]string{"-remove-all", "--"}, paths...)); err != nil {
		return fmt.Errorf("removing files of the engine's user namespace: %w", err)
	}
	return nil
}

// usage returns what the engine's directory takes on disk, in bytes. An ordinary user may not look into all of it, but the namespace may. If
// there is none, or its programs are not unpacked, the result is what this user sees.
func (s site) usage(ctx context.Context) (int64, error) {
	total, whole, err := cachedir.Visible(ctx, string(s.home))
	if err != nil || whole || !s.ns.isSet() || s.bundle == nil || !intact(s.home.bin(s.bundle.ID()), s.bundle.Manifest) {
		return total, err
	}
	out, err := s.inNamespace(ctx, s.home.bin(s.bundle.ID()), []string{"-usage", "--", string(s.home)})
	if err != nil {
		return 0, fmt.Errorf("measuring files of the engine's user namespace: %w", err)
	}
	return strconv.ParseInt(strings.TrimSpace(out), 10, 64)
}

// inNamespace runs engine-init in the namespace and returns what it prints.
func (s site) inNamespace(ctx context.Context, bin string, args []string) (string, error) {
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, filepath.Join(bin, initProgram), args...)
	cmd.Stdout, cmd.Stderr = &out, &said
	cmd.ExtraFiles = []*os.File{nil}
	if s.lock != nil { // so that no engine starts while a process goes on whose pulpimg was killed
		cmd.ExtraFiles[0] = s.lock.file
	}
	stdin, err := cmd.StdinPipe() // it ends with this process
	if err != nil {
		return "", err
	}
	defer stdin.Close()
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	if err := s.ns.start(ctx, cmd); err != nil {
		return "", err
	}
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		return "", fmt.Errorf("%w: %s", err, strings.TrimSpace(said.String()))
	}
	return out.String(), nil
}

// removeLeftovers removes what an interrupted run left. The caller holds the lock, so nothing runs that could need it.
func (s site) removeLeftovers(ctx context.Context) error {
	var paths []string
	for _, pattern := range leftovers {
		names, err := fs.Glob(os.DirFS(string(s.home)), pattern)
		if err != nil {
			return err
		}
		for _, name := range names {
			paths = append(paths, filepath.Join(string(s.home), name))
		}
	}
	if err := s.removeAll(ctx, paths...); err != nil {
		return fmt.Errorf("removing what an interrupted engine left: %w", err)
	}
	return nil
}

// removeState removes what buildkitd keeps. It renames the directory first: if it is interrupted, the next start must not find half of it.
func (s site) removeState(ctx context.Context) error {
	removed := s.home.state() + removedSuffix
	if err := s.removeAll(ctx, removed); err != nil {
		return err
	}
	if err := os.Rename(s.home.state(), removed); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		removed = s.home.state()
	}
	return s.removeAll(ctx, removed)
}

// removeOtherBins removes the programs that other versions of pulpimg unpacked.
func (s site) removeOtherBins() error {
	own := ""
	if s.bundle != nil {
		own = s.home.bin(s.bundle.ID())
	}
	all, err := fs.Glob(os.DirFS(string(s.home)), binPrefix+"*")
	if err != nil {
		return err
	}
	for _, name := range all {
		dir := filepath.Join(string(s.home), name)
		if dir == own {
			continue
		}
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("removing the programs of another version: %w", err)
		}
	}
	return nil
}
