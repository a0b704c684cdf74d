package service

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pulpimg/pulpimg/pkg/startup/serviceurl"
)

// playing returns the service of a URL, with another protocol.
func playing(t *testing.T, url string, ask protocol) Service {
	t.Helper()
	u, err := serviceurl.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(u)
	if err != nil {
		t.Fatal(err)
	}
	s.ask = ask
	return s
}

// A slow web server with TLS is not taken for a server of another kind.
func TestProbe_slowTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer server.Close()
	s := playing(t, server.URL, askHTTP)
	s.tls.InsecureSkipVerify = true
	var f *Failure
	if err := s.Probe(t.Context(), 300*time.Millisecond); !errors.As(err, &f) || f.Cause != Silent {
		t.Errorf("got %v", err)
	}
}

// A host that becomes available just when the time is up is enough, too.
func TestProbe_availableAtTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := playing(t, "mongodb://late,never", func(_ context.Context, s *session) error {
			time.Sleep(2 * time.Second)
			if s.host.Name == "late" {
				return nil
			}
			return errStrange
		})
		if err := s.Probe(t.Context(), time.Second); err != nil {
			t.Error(err)
		}
	})
}

// Messages name the limit that the caller gave.
func TestProbe_namesTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := playing(t, "redis://h", askRedis)
		s.network = func(ctx context.Context, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		one := Target{Service: s, Tries: 1, Timeout: 1500 * time.Microsecond}
		var f *Failure
		if err := Wait(t.Context(), []Target{one}, nil); !errors.As(err, &f) || f.Words != "no answer within 1.5ms" {
			t.Errorf("got %v", err)
		}
	})
}

// A server of another kind is recognised even if it is slow.
func TestProbe_slowServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := playing(t, "redis://h", askRedis)
		var serving sync.WaitGroup
		defer serving.Wait()
		s.network = func(context.Context, string) (net.Conn, error) {
			client, server := net.Pipe()
			serving.Go(func() {
				defer server.Close()
				request := make([]byte, 64)
				if n, _ := server.Read(request); strings.HasPrefix(string(request[:n]), "GET ") {
					time.Sleep(900 * time.Millisecond)
					_, _ = io.WriteString(server, "HTTP/1.0 200 OK\r\n\r\n")
				}
			})
			return client, nil
		}
		var f *Failure
		if err := s.Probe(t.Context(), 2*time.Second); !errors.As(err, &f) || f.Cause != WrongProtocol {
			t.Errorf("got %v", err)
		}
	})
}
