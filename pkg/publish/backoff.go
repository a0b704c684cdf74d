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

// Backoff says how a request is repeated that met a busy registry (408, 429, 500, 502, 503, 504) or a connection that broke.
// Waits double, are shortened by a random part of up to one half so that clients do not come back in step, and
// are never shorter than the registry asks for with Retry-After.
type Backoff struct {
	// Attempts is how often a request is made at most, the first time included.
	Attempts int
	// First is the wait after the first failure.
	First time.Duration
	// Longest is the upper bound of a wait. If the registry asks for a longer one, the request fails at once.
	Longest time.Duration
}

// repeater repeats what is worth another attempt.
type repeater struct {
	backoff Backoff
	// transient reports whether an error is worth another attempt.
	transient func(error) bool
	waitings  *waitings
}

// do makes a request until it succeeds, fails for good, or has had its attempts. It returns no response with a status that it would repeat
// the request for.
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

// transientError reports whether a connection broke in a way that the next one may not.
func transientError(err error) bool {
	var gaveUp *givenUpError
	if errors.As(err, &gaveUp) {
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
	// net/http does not export these: of HTTP/2, of an answer that ends within its first line or a header, and of a connection that the
	// server closed between two requests, which net/http tries anew only for requests like GET.
	for _, text := range []string{"stream error: ", "http2: ", "HTTP/1.x transport connection broken", "server closed idle connection"} {
		if strings.Contains(err.Error(), text) {
			return true
		}
	}
	return false
}

// transientOnceConnected is for the first request to a registry: if not even a connection comes about, then the name
// is wrong or nobody is there, and the user had better know at once.
func transientOnceConnected(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return false
	}
	return transientError(err)
}

// retryAfter reads how long a registry asks to be left alone, in either of the forms of
// https://www.rfc-editor.org/rfc/rfc9110#field.retry-after. Without a wish it is 0.
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

// statusError turns a response into the error that it stands for, and ends it.
func statusError(resp *http.Response) error {
	defer finish(resp)
	return answerAlone(transport.CheckError(resp))
}

// givenUpError is the last failure of a request that has had its attempts.
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

// retrier repeats requests whose body can be had again. Blobs cannot be repeated as they are, because a broken
// upload leaves a session behind that is no longer at its beginning; see session.upload.
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
