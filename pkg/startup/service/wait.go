package service

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A Target is a service to wait for.
type Target struct {
	Name    string // or nothing: then it is called by its address
	Service Service
	// Tries is how often to ask, Interval how long to pause between two tries, Timeout how long one may take.
	Tries             int
	Interval, Timeout time.Duration
}

// String returns what messages call the target.
func (t Target) String() string {
	if t.Name == "" {
		return t.Service.Address()
	}
	return t.Name + " (" + t.Service.Address() + ")"
}

// A Report says how one try went.
type Report struct {
	Target Target
	// Try counts from 1.
	Try int
	// Err is nil if the service is available.
	Err error
}

// An UnavailableError says that a service did not become available: all tries failed, or its server refused the credentials.
type UnavailableError struct {
	Target Target
	Tries  int
	Err    error
}

func (e *UnavailableError) Error() string {
	tries := "1 try"
	if e.Tries > 1 {
		tries = fmt.Sprintf("%d tries", e.Tries)
	}
	return fmt.Sprintf("%s is not available after %s: %v", e.Target, tries, e.Err)
}

func (e *UnavailableError) Unwrap() error { return e.Err }

// Wait waits until all targets are available, all at the same time, and gives up on all when one does not become so. The error is then an
// *UnavailableError; if the context ends, its cause. Tries that failed, and will be followed by another one, and those that succeed are
// reported, one at a time.
func Wait(ctx context.Context, targets []Target, report func(Report)) error {
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	var (
		waiting   sync.WaitGroup
		reporting sync.Mutex
	)
	one := func(r Report) {
		reporting.Lock()
		defer reporting.Unlock()
		if ctx.Err() == nil {
			report(r)
		}
	}
	for _, t := range targets {
		waiting.Go(func() {
			if err := t.wait(ctx, one); err != nil {
				giveUp(err) // the first one counts
			}
		})
	}
	waiting.Wait()
	return context.Cause(ctx)
}

func (t Target) wait(ctx context.Context, report func(Report)) error {
	for try := 1; ; try++ {
		err := t.Service.Probe(ctx, t.Timeout)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && (try >= t.Tries || errors.Is(err, ErrCredentials)):
			return &UnavailableError{t, try, err}
		}
		report(Report{t, try, err})
		if err == nil {
			return nil
		}
		if err := sleep(ctx, t.Interval); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, span time.Duration) error {
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
