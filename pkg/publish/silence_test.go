package publish

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// roundTripper is a network that a test makes.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// never answers.
func never(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

func TestSilence_endsARequest(t *testing.T) {
	const patience = time.Minute
	for _, test := range []struct {
		name    string
		body    io.Reader
		network roundTripper
		after   time.Duration
	}{
		{name: "no answer", network: never, after: patience},
		{
			name: "an answer that stops", after: 30*time.Second + patience,
			network: func(req *http.Request) (*http.Response, error) {
				time.Sleep(30 * time.Second)
				return &http.Response{Body: io.NopCloser(stalled{req.Context()})}, nil
			},
		},
		{
			name: "a blob that is taken slowly, and then no answer", body: strings.NewReader("0123456789"), after: 10*50*time.Second + patience,
			network: func(req *http.Request) (*http.Response, error) {
				for range 10 {
					time.Sleep(50 * time.Second)
					if _, err := req.Body.Read(make([]byte, 1)); err != nil {
						return nil, err
					}
				}
				return never(req)
			},
		},
		{
			name: "a large blob, and then no answer", body: io.LimitReader(zeros{}, largeBlob), after: settling * patience,
			network: func(req *http.Request) (*http.Response, error) {
				if _, err := io.Copy(io.Discard, req.Body); err != nil {
					return nil, err
				}
				return never(req)
			},
		},
		{
			name: "a disk that is slow does not count", body: slow{}, after: 5*time.Minute + patience,
			network: func(req *http.Request) (*http.Response, error) {
				if _, err := req.Body.Read(make([]byte, 1)); err != nil {
					return nil, err
				}
				return never(req)
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "https://r.test/", test.body)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := impatient{inner: test.network, patience: patience}.RoundTrip(req)
				if err == nil {
					_, err = io.ReadAll(resp.Body)
					defer resp.Body.Close()
				}
				var silent silentError
				if took := time.Since(start); !errors.As(err, &silent) || took != test.after {
					t.Errorf("after %v: %v, want silence after %v", took, err, test.after)
				}
				if !transientError(err) {
					t.Errorf("%v is not worth another attempt", err)
				}
			})
		})
	}
}

type stalled struct{ ctx context.Context }

func (s stalled) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

type slow struct{}

func (slow) Read(p []byte) (int, error) {
	time.Sleep(5 * time.Minute)
	return len(p), nil
}

func TestSilence_isReportedAndGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var reports []Waiting
		_, err := Resolve(t.Context(), "r.test/a:1", Options{
			Transport: roundTripper(never),
			Patience:  25 * time.Second,
			Waiting:   func(w Waiting) { reports = append(reports, w) },
		})
		var unreachable *UnreachableError
		if !errors.As(err, &unreachable) || !strings.Contains(err.Error(), "it neither answered nor moved a byte for 25s (tried 3 times)") {
			t.Errorf("the error is %v", err)
		}
		if took := time.Since(start); took < 75*time.Second || took > 80*time.Second {
			t.Errorf("it took %v, want three attempts of 25s", took)
		}
		if len(reports) != 6 || reports[0] != (Waiting{Registry: "r.test", Silent: 10 * time.Second}) || reports[1].Silent != 20*time.Second {
			t.Errorf("the reports are %+v", reports)
		}
	})
}

func TestWaiting_forABusyRegistry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reports []Waiting
		asked := 0
		_, err := Resolve(t.Context(), "r.test/a:1", Options{
			Waiting: func(w Waiting) { reports = append(reports, w) },
			Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
				asked++
				resp := &http.Response{StatusCode: http.StatusOK, Request: req, Body: http.NoBody, Header: http.Header{
					"Retry-After": {"30"}, "Docker-Content-Digest": {testDigest('a').String()},
				}}
				if asked == 1 {
					resp.StatusCode = http.StatusServiceUnavailable
				}
				return resp, nil
			}),
		})
		if err != nil || len(reports) != 1 || reports[0].Pause != 30*time.Second || reports[0].Registry != "r.test" {
			t.Errorf("the reports are %+v, the error is %v", reports, err)
		}
	})
}

// An answer that nobody reads for a while is not silence of the registry.
func TestSilence_slowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://r.test/", nil)
		if err != nil {
			t.Fatal(err)
		}
		network := roundTripper(func(req *http.Request) (*http.Response, error) {
			return &http.Response{Body: io.NopCloser(io.MultiReader(strings.NewReader("ab"), stalled{req.Context()}))}, nil
		})
		resp, err := impatient{inner: network, patience: time.Minute}.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		for range 2 {
			time.Sleep(time.Hour)
			if n, err := resp.Body.Read(make([]byte, 1)); n != 1 || err != nil || req.Context().Err() != nil {
				t.Fatalf("read %d bytes, %v", n, err)
			}
		}
		time.Sleep(time.Hour)
		begun := time.Now()
		_, err = resp.Body.Read(make([]byte, 1))
		var silent silentError
		if took := time.Since(begun); !errors.As(err, &silent) || took != time.Minute {
			t.Errorf("after %v: %v, want silence after a minute", took, err)
		}
	})
}
