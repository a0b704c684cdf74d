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
	s, err := h.site(ctx)
	if err != nil {
		return 0, err
	}
	if s.lock = l; l != nil && s.ns.isSet() {
		// To measure and to remove what belongs to other users of the namespace. On a full disk, the first removal makes the space for it.
		_, _ = unpack(ctx, h, s.bundle)
	}
	before, err := s.usage(ctx)
	if err != nil {
		return 0, fmt.Errorf("measuring the embedded engine's files: %w", err)
	}
	if err := errors.Join(s.removeState(ctx), s.removeLeftovers(ctx), s.removeOtherBins()); err != nil {
		return 0, fmt.Errorf("emptying the engine's cache: %w", err)
	}
	after, err := s.usage(ctx)
	return max(before-after, 0), err
}

// site returns what there is of the engine in the directory, whether it can run or not.
func (h home) site(ctx context.Context) (site, error) {
	s := site{home: h}
	b, err := bundle.Load()
	if errors.Is(err, bundle.ErrEmpty) {
		return s, nil
	}
	if err != nil {
		return site{}, err
	}
	s.bundle = b
	s.ns, err = newUserns(ctx)
	var unusable *UnusableError
	if errors.As(err, &unusable) {
		s.reason = err
		return s, nil
	}
	return s, err
}
