package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// answers replies with one status after the other, and with headers as name and value in turn.
func answers(headers []string, statuses ...int) func(int) (*http.Response, error) {
	return func(attempt int) (*http.Response, error) {
		h := make(http.Header)
		for i := 0; i+1 < len(headers); i += 2 {
			h.Set(headers[i], headers[i+1])
		}
		return &http.Response{StatusCode: statuses[attempt-1], Header: h, Body: io.NopCloser(strings.NewReader(""))}, nil
	}
}

// Waits double up to the longest.
func TestBackoff_waitDoubles(t *testing.T) {
	b := Backoff{Attempts: 9, First: 100 * time.Millisecond, Longest: time.Second}
	for attempt, want := range map[int]time.Duration{
		1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 3: 400 * time.Millisecond, 4: 800 * time.Millisecond,
		5: time.Second, 50: time.Second, 500: time.Second,
	} {
		for range 100 {
			if got := b.wait(attempt); got > want || got < want/2 {
				t.Fatalf("after attempt %d it waits %v, want %v to %v", attempt, got, want/2, want)
			}
		}
	}
}

// A request is repeated only after the time that the registry asks for.
func TestRepeater_retryAfter(t *testing.T) {
	for name, headers := range map[string][]string{
		"in seconds": {"Retry-After", "7"},
		"as a date":  {"Retry-After", time.Date(2000, 1, 1, 0, 0, 7, 0, time.UTC).Format(http.TimeFormat)}, // a bubble's clock starts in 2000
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				b := Backoff{Attempts: 2, First: time.Millisecond, Longest: time.Minute}
				resp, err := repeatWith(b).do(t.Context(), answers(headers, 429, 200))
				if err != nil || resp.StatusCode != 200 {
					t.Fatalf("got %v, %v", resp, err)
				}
				if waited := time.Since(start); waited != 7*time.Second {
					t.Errorf("it waited %v, want 7s", waited)
				}
			})
		})
	}
}

// A registry that asks for a longer wait than the longest is given up.
func TestRepeater_retryAfterTooLong(t *testing.T) {
	b := Backoff{Attempts: 5, First: time.Millisecond, Longest: time.Minute}
	_, err := repeatWith(b).do(t.Context(), answers([]string{"Retry-After", "3600"}, 429))
	if err == nil || !strings.Contains(err.Error(), "429") || !strings.Contains(err.Error(), "the registry asks to wait 1h0m0s") {
		t.Errorf("the error is %v", err)
	}
}

func TestRepeater_attemptsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := Backoff{Attempts: 3, First: time.Second, Longest: time.Minute}
		_, err := repeatWith(b).do(t.Context(), answers(nil, 503, 502, 500, 200))
		if err == nil || !strings.Contains(err.Error(), "500") || !strings.Contains(err.Error(), "(tried 3 times)") {
			t.Errorf("the error is %v", err)
		}
	})
}

// Answers that will not change are not repeated.
func TestRepeater_finalAnswers(t *testing.T) {
	for _, status := range []int{200, 201, 202, 400, 401, 403, 404, 405, 501} {
		b := Backoff{Attempts: 3, First: time.Hour, Longest: time.Hour}
		resp, err := repeatWith(b).do(t.Context(), answers(nil, status))
		if err != nil || resp.StatusCode != status {
			t.Errorf("%d became %v, %v", status, resp, err)
		}
	}
}

// The wait between two attempts ends with its context.
func TestRepeater_contextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		b := Backoff{Attempts: 3, First: time.Hour, Longest: time.Hour}
		_, err := repeatWith(b).do(ctx, answers(nil, 503, 503, 503))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("it ended after %v with %v", time.Since(start), err)
		}
	})
}

// Only broken connections are transient.
func TestTransientError(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	for _, test := range []struct {
		err       error
		at, first bool // later, and on the first request to a registry
	}{
		{io.EOF, true, true},
		{fmt.Errorf("reading: %w", io.ErrUnexpectedEOF), true, true},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, true, true},
		{&net.OpError{Op: "write", Err: syscall.EPIPE}, true, true},
		{errors.New("http2: server sent GOAWAY and closed the connection"), true, true},
		{errors.New("stream error: stream ID 3; INTERNAL_ERROR"), true, true},
		{&url.Error{Op: "Put", URL: "https://r.test/", Err: errors.New("http: server closed idle connection")}, true, true},
		{&net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}, true, false},
		{&net.OpError{Op: "dial", Err: syscall.ENETUNREACH}, true, false},
		{&net.OpError{Op: "dial", Err: &net.DNSError{IsTemporary: true}}, true, false},
		{refused, true, false},
		{&net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}, false, false},
		{errors.New("x509: certificate signed by unknown authority"), false, false},
		{&givenUpError{attempts: 3, err: io.EOF}, false, false},
	} {
		if got := transientError(test.err); got != test.at {
			t.Errorf("%v is transient: %t, want %t", test.err, got, test.at)
		}
		if got := transientOnceConnected(test.err); got != test.first {
			t.Errorf("%v is transient at first: %t, want %t", test.err, got, test.first)
		}
	}
}

func TestRetryAfter_unreadable(t *testing.T) {
	for _, v := range []string{"", "-1", "soon", "1.5", "99999999999999999999", "Fri, 31 Dec 1999 23:59:59 GMT"} {
		if got := retryAfter(http.Header{"Retry-After": {v}}, time.Now()); got != 0 {
			t.Errorf("%q is read as %v", v, got)
		}
	}
}

func repeatWith(b Backoff) repeater { return repeater{backoff: b, transient: transientError} }
