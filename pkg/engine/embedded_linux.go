package engine

import (
	"context"
	"errors"
	"fmt"
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
	ns, err := newUserns(ctx)
	if err != nil {
		return nil, err
	}
	l, err := acquire(ctx, h.lock(), o.Notice)
	if err != nil {
		return nil, err
	}
	e, err := startLocked(ctx, remover{h, b, ns}, l, o)
	if err != nil {
		return nil, errors.Join(err, l.release())
	}
	return e, nil
}

// usable returns the bundle if this user can run it here.
func usable() (*bundle.Bundle, error) {
	b, err := bundle.Load()
	if errors.Is(err, bundle.ErrEmpty) {
		return nil, &UnusableError{NotIncluded, err}
	}
	if err != nil {
		return nil, err
	}
	if b.Arch != runtime.GOARCH {
		return nil, &UnusableError{NotIncluded, fmt.Errorf("this pulpimg is for %s and was built with an engine for %s", runtime.GOARCH, b.Arch)}
	}
	return b, nil
}

// startLocked starts the engine with the state of earlier runs. A state that a full disk or a power cut has damaged is removed: no later
// start could read it, and the next build makes it again.
func startLocked(ctx context.Context, r remover, l *lock, o Options) (*Engine, error) {
	if err := r.removeLeftovers(ctx); err != nil {
		return nil, err
	}
	if err := r.home.executable(); err != nil {
		return nil, err
	}
	bin, err := unpack(ctx, r.home, r.bundle)
	if err != nil {
		return nil, err
	}
	e, err := run(ctx, r, bin, l, o.PlainHTTP)
	var broken *brokenStateError
	if !errors.As(err, &broken) {
		return e, err
	}
	if o.Notice != nil {
		o.Notice(fmt.Sprintf("the engine's cache cannot be read (%s) and is removed; the next build makes it again", broken.Reason))
	}
	if err := r.removeState(ctx); err != nil {
		return nil, fmt.Errorf("removing the engine's damaged cache: %w", err)
	}
	return run(ctx, r, bin, l, o.PlainHTTP)
}

// run starts buildkitd and returns once it answers.
func run(ctx context.Context, r remover, bin string, l *lock, plainHTTP []string) (*Engine, error) {
	if err := r.home.checkDatabases(); err != nil {
		return nil, err
	}
	d, err := startDaemon(ctx, r, bin, l, plainHTTP)
	if err != nil {
		return nil, err
	}
	c, err := d.ready(ctx)
	if err != nil {
		return nil, errors.Join(err, d.stop())
	}
	return &Engine{kind: Embedded, address: d.address(), client: c, daemon: d, close: once(func() error {
		// The connection is closed first: that ends builds that still run, and the daemon does not wait for them.
		return errors.Join(c.Close(), d.stop(), l.release())
	})}, nil
}
