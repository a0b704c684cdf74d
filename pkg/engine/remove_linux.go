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

// A remover removes files below the engine's directory. Whoever uses it holds the engine's lock.
type remover struct {
	home   home
	bundle *bundle.Bundle // nil if this binary has none
	ns     userns
	reason error // why there is no namespace, if this user needs one
	lock   *lock // of the engine, if this process has it
}

// removeAll removes files and all below them. An ordinary user may not remove what build steps made as other users of the namespace, so the
// rest is removed in the namespace.
func (r remover) removeAll(ctx context.Context, paths ...string) error {
	var errs []error
	for _, path := range paths {
		errs = append(errs, os.RemoveAll(path))
	}
	err := errors.Join(errs...)
	if !errors.Is(err, fs.ErrPermission) || !r.ns.isSet() || r.bundle == nil {
		return errors.Join(err, unless(err == nil, r.reason))
	}
	bin, err := unpack(ctx, r.home, r.bundle)
	if err != nil {
		return err
	}
	if _, err := r.inNamespace(ctx, bin, append([]string{"-remove-all", "--"}, paths...)); err != nil {
		return fmt.Errorf("removing files of the engine's user namespace: %w", err)
	}
	return nil
}

// unless returns an error if a condition is not met.
func unless(condition bool, err error) error {
	if condition {
		return nil
	}
	return err
}

// usage returns what the engine's directory takes on disk, in bytes. An ordinary user may not look into all of it, but the namespace may. If
// there is none, or its programs are not unpacked, the result is what this user sees.
func (r remover) usage(ctx context.Context) (int64, error) {
	total, whole, err := cachedir.Visible(ctx, string(r.home))
	if err != nil || whole || !r.ns.isSet() || r.bundle == nil || !intact(r.home.bin(r.bundle.ID()), r.bundle.Manifest) {
		return total, err
	}
	out, err := r.inNamespace(ctx, r.home.bin(r.bundle.ID()), []string{"-usage", "--", string(r.home)})
	if err != nil {
		return 0, fmt.Errorf("measuring files of the engine's user namespace: %w", err)
	}
	return strconv.ParseInt(strings.TrimSpace(out), 10, 64)
}

// inNamespace runs engine-init in the namespace and returns what it prints.
func (r remover) inNamespace(ctx context.Context, bin string, args []string) (string, error) {
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, filepath.Join(bin, initProgram), args...)
	cmd.Stdout, cmd.Stderr = &out, &said
	cmd.ExtraFiles = []*os.File{nil}
	if r.lock != nil { // so that no engine starts while a process goes on whose pulpimg was killed
		cmd.ExtraFiles[0] = r.lock.file
	}
	stdin, err := cmd.StdinPipe() // it ends with this process
	if err != nil {
		return "", err
	}
	defer stdin.Close()
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	if err := r.ns.start(ctx, cmd); err != nil {
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
func (r remover) removeLeftovers(ctx context.Context) error {
	var paths []string
	for _, pattern := range leftovers {
		names, err := fs.Glob(os.DirFS(string(r.home)), pattern)
		if err != nil {
			return err
		}
		for _, name := range names {
			paths = append(paths, filepath.Join(string(r.home), name))
		}
	}
	if err := r.removeAll(ctx, paths...); err != nil {
		return fmt.Errorf("removing what an interrupted engine left: %w", err)
	}
	return nil
}

// removeState removes what buildkitd keeps. It renames the directory first: if it is interrupted, the next start must not find half of it.
func (r remover) removeState(ctx context.Context) error {
	removed := r.home.state() + removedSuffix
	if err := r.removeAll(ctx, removed); err != nil {
		return err
	}
	if err := os.Rename(r.home.state(), removed); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		removed = r.home.state()
	}
	return r.removeAll(ctx, removed)
}

// removeOtherBins removes the programs that other versions of pulpimg unpacked.
func (r remover) removeOtherBins() error {
	own := ""
	if r.bundle != nil {
		own = r.home.bin(r.bundle.ID())
	}
	all, err := fs.Glob(os.DirFS(string(r.home)), binPrefix+"*")
	if err != nil {
		return err
	}
	for _, name := range all {
		dir := filepath.Join(string(r.home), name)
		if dir == own {
			continue
		}
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("removing the programs of another version: %w", err)
		}
	}
	return nil
}
