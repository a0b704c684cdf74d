package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

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
	r, err := h.remover(ctx)
	if err != nil {
		return 0, err
	}
	if r.lock = l; l != nil && r.ns.isSet() {
		// To measure and to remove what belongs to other users of the namespace. On a full disk, the first removal makes the space for it.
		_, _ = unpack(ctx, h, r.bundle)
	}
	before, err := r.usage(ctx)
	if err != nil {
		return 0, fmt.Errorf("measuring the embedded engine's files: %w", err)
	}
	if err := errors.Join(r.removeState(ctx), r.removeLeftovers(ctx), r.removeOtherBins()); err != nil {
		return 0, fmt.Errorf("emptying the engine's cache: %w", err)
	}
	after, err := r.usage(ctx)
	return max(before-after, 0), err
}

// remover returns what measures and empties the directory.
func (h home) remover(ctx context.Context) (remover, error) {
	r := remover{home: h}
	b, err := bundle.Load()
	if errors.Is(err, bundle.ErrEmpty) {
		return r, nil
	}
	if err != nil {
		return remover{}, err
	}
	r.bundle = b
	r.ns, err = newUserns(ctx)
	var unusable *UnusableError
	if errors.As(err, &unusable) {
		r.reason = err
		return r, nil
	}
	return r, err
}
