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
	e, err := startLocked(ctx, h, b, l, o)
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
	if os.Geteuid() != 0 {
		return nil, &UnusableError{NotRoot, errors.New("the embedded engine needs root, to mount file systems and to run build steps in containers")}
	}
	return b, nil
}

// startLocked starts the engine with the state of earlier runs. A state that a full disk or a power cut has damaged is removed: no later
// start could read it, and the next build makes it again.
func startLocked(ctx context.Context, h home, b *bundle.Bundle, l *lock, o Options) (*Engine, error) {
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
	e, err := run(ctx, h, bin, l, o.PlainHTTP)
	var broken *brokenStateError
	if !errors.As(err, &broken) {
		return e, err
	}
	if o.Notice != nil {
		o.Notice(fmt.Sprintf("the engine's cache cannot be read (%s) and is removed; the next build makes it again", broken.Reason))
	}
	if err := h.removeState(); err != nil {
		return nil, fmt.Errorf("removing the engine's damaged cache: %w", err)
	}
	return run(ctx, h, bin, l, o.PlainHTTP)
}

// run starts buildkitd and returns once it answers.
func run(ctx context.Context, h home, bin string, l *lock, plainHTTP []string) (*Engine, error) {
	if err := h.checkDatabases(); err != nil {
		return nil, err
	}
	d, err := startDaemon(h, bin, l, plainHTTP)
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
