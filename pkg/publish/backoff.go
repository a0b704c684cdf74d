package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Backoff is how a request is repeated after an answer that the registry is busy (408, 429, 500, 502, 503, 504), or after a broken
// connection. Each wait is twice as long as the one before, less a random part of up to one half, so that clients do not return at the
// same time. It is never shorter than the registry asks for with Retry-After.
type Backoff struct {
	// Attempts is how often a request is made at most, the first time included.
	Attempts int
	// First is the wait after the first failure.
	First time.Duration
	// Longest is the upper bound of a wait. If the registry asks for a longer wait, the request fails at once.
	Longest time.Duration
}

// repeater repeats requests that failed for a reason that may pass.
type repeater struct {
	backoff Backoff
	// transient reports whether an error is worth another attempt.
	transient func(error) bool
	waitings  *waitings
}

// do repeats a request until it succeeds, fails with an error that is not transient, or no attempt is left. It never returns a response
// with a transient status, but an error.
func (r repeater) do(ctx context.Context, once func(attempt int) (*http.Response, error)) (*http.Response, error) {
	b := r.backoff
	for attempt, silences := 1, 0; ; attempt++ {
		resp, err := once(attempt)
		switch {
		case err == nil && (resp == nil || !transientStatus(resp.StatusCode)):
			return resp, nil
		case err != nil && (ctx.Err() != nil || !r.transient(err)):
			return nil, err
		}
		var asked time.Duration
		if err == nil {
			asked = retryAfter(resp.Header, time.Now())
			err = statusError(resp)
		}
		if silent := (silentError{}); errors.As(err, &silent) {
			silences++
		}
		if attempt >= b.Attempts || silences >= silentAttempts || asked > b.Longest {
			return nil, &givenUpError{attempts: attempt, asked: asked, err: err}
		}
		pause := max(asked, b.wait(attempt))
		if pause >= waitingInterval {
			r.waitings.tell(Waiting{Pause: pause.Round(time.Second), Err: err})
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// wait is how long to wait after so many attempts.
func (b Backoff) wait(attempts int) time.Duration {
	d := b.First
	for range attempts - 1 {
		if d >= b.Longest {
			break
		}
		d *= 2
	}
	d = min(d, b.Longest)
	if d <= 0 {
		return 0
	}
	return d - rand.N(d/2+1)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func transientStatus(code int) bool {
	switch code {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// transientError reports whether a connection failed for a reason that may pass.
func transientError(err error) bool {
	var (
		gaveUp *givenUpError
		source *sourceError
	)
	if errors.As(err, &gaveUp) || errors.As(err, &source) && source.final {
		return false
	}
	for _, broken := range []error{
		io.EOF, io.ErrUnexpectedEOF, net.ErrClosed,
		syscall.ECONNRESET, syscall.ECONNREFUSED, syscall.ECONNABORTED, syscall.EPIPE, syscall.ENETUNREACH, syscall.EHOSTUNREACH,
	} {
		if errors.Is(err, broken) {
			return true
		}
	}
	var timed net.Error
	if errors.As(err, &timed) && timed.Timeout() {
		return true
	}
	var resolving *net.DNSError
	if errors.As(err, &resolving) && resolving.IsTemporary {
		return true
	}
	// net/http does not export these errors: those of HTTP/2, of an answer that ends within its first line or a header, and of a
	// connection that the server closed between two requests. net/http repeats the request after the last one only for methods like GET.
	for _, text := range []string{"stream error: ", "http2: ", "HTTP/1.x transport connection broken", "server closed idle connection"} {
		if strings.Contains(err.Error(), text) {
			return true
		}
	}
	return false
}

// transientOnceConnected is for the first request to a registry. If there is not even a connection, the name is probably wrong or the
// registry is down, and the user learns it at once.
func transientOnceConnected(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return false
	}
	return transientError(err)
}

// retryAfter reads how long a registry asks to be left alone, in either of the forms of
// https://www.rfc-editor.org/rfc/rfc9110#field.retry-after. It is 0 if the registry does not ask.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// statusError reads and closes a response, and returns its status as an error.
func statusError(resp *http.Response) error {
	defer finish(resp)
	return answerAlone(transport.CheckError(resp))
}

// givenUpError is the last failure of a request that has no attempt left.
type givenUpError struct {
	attempts int
	asked    time.Duration
	err      error
}

func (e *givenUpError) Error() string {
	switch {
	case e.asked > 0:
		return fmt.Sprintf("%v (tried %d times; the registry asks to wait %v)", e.err, e.attempts, e.asked)
	case e.attempts > 1:
		return fmt.Sprintf("%v (tried %d times)", e.err, e.attempts)
	}
	return e.err.Error()
}

func (e *givenUpError) Unwrap() error { return e.err }

// retrier repeats requests whose body can be read again. It does not repeat uploads of blobs: a broken one leaves a half-filled upload
// session in the registry, and needs a new one; see session.upload.
type retrier struct {
	inner  http.RoundTripper
	repeat repeater
}

// RoundTrip implements [http.RoundTripper].
func (r retrier) RoundTrip(req *http.Request) (*http.Response, error) {
	if !replayable(req) {
		return r.inner.RoundTrip(req)
	}
	return r.repeat.do(req.Context(), func(attempt int) (*http.Response, error) {
		if attempt == 1 {
			return r.inner.RoundTrip(req)
		}
		again, err := replay(req)
		if err != nil {
			return nil, err
		}
		return r.inner.RoundTrip(again)
	})
}

func replayable(req *http.Request) bool {
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}

func replay(req *http.Request) (*http.Request, error) {
	again := req.Clone(req.Context())
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		again.Body = body
	}
	return again, nil
}
