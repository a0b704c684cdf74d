package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/pulpimg/pulpimg/pkg/engine/bundle"
)

// startEmbedded runs the engine of this binary under the lock of its directory.
func startEmbedded(ctx context.Context, o Options) (*Engine, error) {
	b, err := usable()
	if err != nil {
		return nil, err
	}
	h, err := homeOf(o.CacheDir)
	if err != nil {
		return nil, err
	}
	if err := h.create(); err != nil {
		return nil, err
	}
	l, err := acquire(ctx, h.lock(), o.Notice)
	if err != nil {
		return nil, err
	}
	e, err := startLocked(ctx, h, b, l, o.Notice)
	if err != nil {
		return nil, errors.Join(err, l.release())
	}
	return e, nil
}

// usable returns the bundle if it can run here, by this user.
func usable() (*bundle.Bundle, error) {
	b, err := bundle.Load()
	if errors.Is(err, bundle.ErrEmpty) {
		return nil, fmt.Errorf("%w: build it with `make`, or use --engine ADDR", err)
	}
	if err != nil {
		return nil, err
	}
	if b.Arch != runtime.GOARCH {
		return nil, fmt.Errorf("this pulpimg is for %s and was built with an engine for %s: build it with `make` for one of them, or use --engine ADDR", runtime.GOARCH, b.Arch)
	}
	if os.Geteuid() != 0 {
		return nil, errors.New("the embedded engine needs root, to mount and to run build steps in containers: run pulpimg as root, or use --engine ADDR (a rootless buildkitd for example)")
	}
	return b, nil
}

// startLocked starts the engine on what earlier runs left. What it keeps can be made again: a state that a full disk or a power cut
// spoiled is removed, since no later start could read it either.
func startLocked(ctx context.Context, h home, b *bundle.Bundle, l *lock, notice func(string)) (*Engine, error) {
	if err := h.removeLeftovers(); err != nil {
		return nil, err
	}
	if err := h.executable(); err != nil {
		return nil, err
	}
	bin, err := unpack(ctx, h, b)
	if err != nil {
		return nil, err
	}
	e, err := run(ctx, h, bin, l)
	var broken *brokenStateError
	if !errors.As(err, &broken) {
		return e, err
	}
	if notice != nil {
		notice(fmt.Sprintf("what the engine kept cannot be read (%s) and is removed; the next build makes it again", broken.Reason))
	}
	if err := h.removeState(); err != nil {
		return nil, fmt.Errorf("remove what the engine cannot read: %w", err)
	}
	return run(ctx, h, bin, l)
}

// run runs buildkitd and returns once it answers.
func run(ctx context.Context, h home, bin string, l *lock) (*Engine, error) {
	if err := h.checkDatabases(); err != nil {
		return nil, err
	}
	d, err := startDaemon(h, bin, l)
	if err != nil {
		return nil, err
	}
	c, err := d.ready(ctx)
	if err != nil {
		return nil, errors.Join(err, d.stop())
	}
	return &Engine{kind: Embedded, address: d.address(), client: c, daemon: d, close: once(func() error {
		// The connection first: builds that still run end with it, and the daemon needs not wait for them.
		return errors.Join(c.Close(), d.stop(), l.release())
	})}, nil
}
