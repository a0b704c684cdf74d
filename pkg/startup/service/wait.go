package service

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A Prober finds out whether something is available, as a [Service] does.
type Prober interface {
	// Probe asks once, within the limit. If the context is cancelled, the error is its cause.
	Probe(ctx context.Context, limit time.Duration) error
	// Address returns what messages call it, besides its name.
	Address() string
}

// A Target is a service to wait for.
type Target struct {
	Name    string // if empty, messages use the address
	Service Prober
	// Tries is how often to ask, Interval the pause between two tries, and Timeout how long one try may take.
	Tries             int
	Interval, Timeout time.Duration
}

// String returns what messages call the target.
func (t Target) String() string {
	switch {
	case t.Service == nil:
		return t.Name
	case t.Name == "":
		return t.Service.Address()
	}
	return t.Name + " (" + t.Service.Address() + ")"
}

// A Report is the result of one try.
type Report struct {
	Target Target
	// Try counts from 1.
	Try int
	// Err is nil if the service is available.
	Err error
}

// An UnavailableError reports that a service did not become available: all tries failed, or one failed in such a way that more would not help.
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

// Wait waits for all targets at the same time until all are available. It gives up as soon as one target has failed for good: the error
// is then an *UnavailableError. If the context ends, the error is its cause. It reports every try that succeeds, and every failed one that
// another try follows. Reports do not overlap.
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
		case err != nil && (try >= t.Tries || errors.Is(err, ErrHopeless)):
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
