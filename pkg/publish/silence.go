package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	// defaultPatience is how long a registry may neither answer nor move a byte. A registry that checks a blob before it
	// answers takes seconds.
	defaultPatience = time.Minute
	// settling times the patience is how long a registry may take to answer after the last byte of a blob of at least largeBlob bytes: some
	// registries then copy the blob to its final place.
	settling  = 5
	largeBlob = 1 << 20
	// silentAttempts is how often a request without any answer is made at most. It bounds the time that is spent on a dead registry.
	silentAttempts = 3
	// waitingInterval is how long a wait lasts before it is reported, and how much time is between two reports.
	waitingInterval = 10 * time.Second
)

// Waiting is why a publication makes no progress at the moment.
type Waiting struct {
	Registry string
	// Silent is how long the registry has not answered, and has taken or sent no byte.
	Silent time.Duration
	// Pause is how long it is until the next attempt, when Err made one necessary.
	Pause time.Duration
	Err   error
}

// silentError reports that no byte was sent or received on a connection for some time.
type silentError struct{ after time.Duration }

func (e silentError) Error() string {
	return fmt.Sprintf("it neither answered nor moved a byte for %v", e.after)
}

// Timeout makes the request be repeated.
func (silentError) Timeout() bool { return true }

// Temporary belongs to [net.Error].
func (silentError) Temporary() bool { return true }

// waitings reports waits for one registry, at most once in a waitingInterval, however many requests wait.
type waitings struct {
	registry string
	report   func(Waiting)

	mu   sync.Mutex
	last time.Time
}

func (w *waitings) tell(what Waiting) {
	if w == nil || w.report == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := time.Now(); now.Sub(w.last) >= waitingInterval*9/10 {
		w.last = now
		what.Registry = w.registry
		w.report(what)
	}
}

// impatient ends requests on whose connection no byte moves for some time.
type impatient struct {
	inner    http.RoundTripper
	patience time.Duration
	waitings *waitings
}

// RoundTrip implements [http.RoundTripper].
func (t impatient) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	w := &watch{patience: t.patience, cancel: cancel, tell: t.waitings.tell}
	w.start()
	watched := req.WithContext(ctx)
	if req.Body != nil && req.Body != http.NoBody {
		watched.Body = &sentBody{ReadCloser: req.Body, watch: w}
	}
	resp, err := t.inner.RoundTrip(watched)
	if err != nil {
		w.stop()
		err = causeOf(ctx, err)
		cancel(nil)
		return nil, err
	}
	w.pause()
	resp.Body = &receivedBody{ReadCloser: resp.Body, ctx: ctx, watch: w}
	return resp, nil
}

// causeOf returns the silentError that ended ctx, or else err.
func causeOf(ctx context.Context, err error) error {
	var silent silentError
	if errors.As(context.Cause(ctx), &silent) {
		return silent
	}
	return err
}

// watch ends a request when no byte moved for some time. Before that it reports that the request waits.
type watch struct {
	patience time.Duration
	cancel   context.CancelCauseFunc
	tell     func(Waiting)

	mu      sync.Mutex
	started time.Time // of the silence
	limit   time.Duration
	timer   *time.Timer
	paused  bool
	over    bool
}

func (w *watch) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.started, w.limit = time.Now(), w.patience
	w.timer = time.AfterFunc(min(w.limit, waitingInterval), w.look)
}

// look runs when it is time to report, or to give up.
func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over || w.paused {
		return
	}
	silent := time.Since(w.started)
	if silent >= w.limit {
		w.over = true
		w.cancel(silentError{w.limit})
		return
	}
	if silent >= waitingInterval {
		w.tell(Waiting{Silent: silent.Round(time.Second)})
	}
	w.timer.Reset(min(w.limit-silent, waitingInterval))
}

// moved notes that a byte moved. Until the next one it may take so many times the patience.
func (w *watch) moved(times int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return
	}
	w.paused, w.started, w.limit = false, time.Now(), time.Duration(times)*w.patience
	w.timer.Reset(min(w.limit, waitingInterval))
}

// pause suspends the watch while the time is spent on this side.
func (w *watch) pause() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.paused = true
	w.timer.Stop()
}

// stop ends the watch. Nothing is reported afterwards.
func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	w.timer.Stop()
}

// sentBody is the body of a request. As bytes on the connection cannot be seen, each read by the transport counts as movement.
type sentBody struct {
	io.ReadCloser
	watch *watch
	sent  int64
}

// Read implements [io.Reader].
func (b *sentBody) Read(p []byte) (int, error) {
	b.watch.pause()
	n, err := b.ReadCloser.Read(p)
	b.sent += int64(n)
	if err != nil && b.sent >= largeBlob {
		b.watch.moved(settling)
	} else {
		b.watch.moved(1)
	}
	return n, err
}

// receivedBody is the body of a response.
type receivedBody struct {
	io.ReadCloser
	ctx   context.Context
	watch *watch
}

// Read implements [io.Reader].
func (b *receivedBody) Read(p []byte) (int, error) {
	b.watch.moved(1)
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = causeOf(b.ctx, err)
	}
	b.watch.pause() // what is read may have to be sent elsewhere first
	return n, err
}

// Close ends the request.
func (b *receivedBody) Close() error {
	b.watch.stop()
	err := b.ReadCloser.Close()
	b.watch.cancel(nil)
	return err
}
