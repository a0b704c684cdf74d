package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/pulpimg/pulpimg/internal/cachedir"
	"github.com/pulpimg/pulpimg/pkg/engine/bundle"
)

// pruneEmbedded removes the embedded engine's state. It holds the lock meanwhile, so that nothing uses the state.
func pruneEmbedded(ctx context.Context, o Options) (freed int64, err error) {
	h, err := homeOf(o.CacheDir)
	if err != nil {
		return 0, err
	}
	if err := h.check(); err != nil {
		return 0, err
	}
	if _, err := os.Stat(string(h)); errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	l, err := acquire(ctx, h.lock(), o.Notice)
	switch {
	case errors.Is(err, syscall.ENOSPC): // then no process holds the lock, and none can get it
	case err != nil:
		return 0, err
	default:
		defer func() { err = errors.Join(err, l.release()) }()
	}
	before, err := cachedir.Usage(ctx, string(h))
	if err != nil {
		return 0, fmt.Errorf("measuring the embedded engine's files: %w", err)
	}
	if err := errors.Join(h.removeState(), h.removeLeftovers(), h.removeOtherBins()); err != nil {
		return 0, fmt.Errorf("emptying the engine's cache: %w", err)
	}
	after, err := cachedir.Usage(ctx, string(h))
	return max(before-after, 0), err
}

// removeOtherBins removes the programs that other versions of pulpimg unpacked.
func (h home) removeOtherBins() error {
	own := ""
	switch b, err := bundle.Load(); {
	case err == nil:
		own = h.bin(b.ID())
	case !errors.Is(err, bundle.ErrEmpty):
		return err
	}
	all, err := fs.Glob(os.DirFS(string(h)), binPrefix+"*")
	if err != nil {
		return err
	}
	for _, name := range all {
		dir := filepath.Join(string(h), name)
		if dir == own {
			continue
		}
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("removing the programs of another version: %w", err)
		}
	}
	return nil
}
