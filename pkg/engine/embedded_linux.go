package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/moby/buildkit/client"

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
	wanted, err := newRunning(b.ID(), o.Registries, os.Environ())
	if err != nil {
		return nil, err
	}
	wanted.any = o.AnySettings
	s := site{home: h, bundle: b, ns: ns}
	for {
		users, err := share(ctx, h.users())
		if err != nil {
			return nil, err
		}
		e, err := startOrJoin(ctx, s, users, wanted, o)
		if err == nil {
			return e, nil
		}
		_, leaveErr := h.leave(users)
		err = errors.Join(err, leaveErr)
		switch {
		case errors.Is(err, errNoEngine): // it has ended meanwhile
		case errors.Is(err, errOtherEngine):
			if err := awaitFree(ctx, h, o.Notice); err != nil {
				return nil, err
			}
		default:
			return nil, err
		}
	}
}

// startOrJoin starts the engine of a directory if it does not run, and otherwise connects to it.
func startOrJoin(ctx context.Context, s site, users *lock, wanted running, o Options) (*Engine, error) {
	l, err := tryAcquire(s.home.lock())
	if err != nil {
		return nil, err
	}
	if l == nil {
		c, socket, err := s.join(ctx, wanted, o.Notice)
		if err != nil {
			return nil, err
		}
		return joined(s.home, c, socket, users), nil
	}
	s.lock = l
	e, err := startLocked(ctx, s, users, wanted, o)
	if err != nil {
		return nil, errors.Join(err, l.release())
	}
	// engine-init has the lock from here on.
	return e, l.release()
}

// joined returns an engine that another process has started.
func joined(h home, c *client.Client, socket string, users *lock) *Engine {
	var closed atomic.Bool
	return &Engine{kind: Embedded, address: "unix://" + socket, client: c, content: h.content(), err: func() error {
		if runs, _, err := locked(h.lock()); err != nil || runs || closed.Load() {
			return err
		}
		return (&daemon{site: site{home: h}}).failure(endedUnexpectedly, errNoEngine)
	}, close: once(func() error {
		closed.Store(true)
		closeErr := c.Close()
		_, err := h.leave(users)
		return errors.Join(closeErr, err)
	})}
}

// awaitFree waits until no engine runs.
func awaitFree(ctx context.Context, h home, notice func(string)) error {
	l, err := acquire(ctx, h.lock(), notice)
	if err != nil {
		return err
	}
	return l.release()
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
func startLocked(ctx context.Context, s site, users *lock, record running, o Options) (*Engine, error) {
	if err := s.removeLeftovers(ctx); err != nil {
		return nil, err
	}
	if err := s.home.executable(); err != nil {
		return nil, err
	}
	bin, err := unpack(ctx, s.home, s.bundle)
	if err != nil {
		return nil, err
	}
	e, err := run(ctx, s, bin, users, record)
	var broken *brokenStateError
	if !errors.As(err, &broken) {
		return e, err
	}
	if o.Notice != nil {
		o.Notice(fmt.Sprintf("the engine's cache cannot be read (%s) and is removed; the next build makes it again", broken.Reason))
	}
	if err := s.removeState(ctx); err != nil {
		return nil, fmt.Errorf("removing the engine's damaged cache: %w", err)
	}
	return run(ctx, s, bin, users, record)
}

// run starts buildkitd and returns once it answers.
func run(ctx context.Context, s site, bin string, users *lock, record running) (*Engine, error) {
	if err := s.home.checkDatabases(); err != nil {
		return nil, err
	}
	d, err := startDaemon(ctx, s, bin, record)
	if err != nil {
		return nil, err
	}
	c, err := d.ready(ctx)
	if err != nil {
		return nil, err
	}
	return &Engine{kind: Embedded, address: d.address(), client: c, content: s.home.content(), err: d.err, close: once(func() error {
		// The connection is closed first: that ends builds that still run, and the daemon does not wait for them.
		return errors.Join(c.Close(), d.leave(users))
	})}, nil
}
