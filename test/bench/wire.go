package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// A wire is proxies in front of servers. It delays each request, and notes it.
type wire struct {
	servers []*http.Server

	mu       sync.Mutex
	delay    time.Duration
	requests traffic
	open     int        // requests that are not noted yet
	noted    *sync.Cond // there is one less
}

func newWire() *wire {
	w := new(wire)
	w.noted = sync.NewCond(&w.mu)
	return w
}

// serve puts a proxy in front of the server at an address, and returns the proxy's host and port.
func (w *wire) serve(address string) (string, error) {
	to, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("putting a proxy in front of %s: %w", address, err)
	}
	silent := log.New(io.Discard, "", 0) // pulpimg tries TLS first, and a canceled request is no news
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression, transport.MaxIdleConnsPerHost = true, 64
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host // the registry says where an upload goes on by the name that it is called
		},
		Transport: transport,
		ErrorLog:  silent,
	}
	server := &http.Server{
		Handler:  http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.pass(rw, r, proxy) }),
		ErrorLog: silent,
	}
	w.servers = append(w.servers, server)
	go func() { _ = server.Serve(listener) }() // until Close
	return listener.Addr().String(), nil
}

// Close ends the proxies.
func (w *wire) Close() error {
	var errs []error
	for _, s := range w.servers {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// pass passes one request on.
func (w *wire) pass(rw http.ResponseWriter, r *http.Request, proxy *httputil.ReverseProxy) {
	noted := request{method: r.Method, path: r.URL.Path, digest: r.URL.Query().Get("digest"), begin: time.Now()}
	body := &countedBody{ReadCloser: r.Body}
	r.Body = body
	waitFor(r.Context(), w.begin())
	answer := &timedAnswer{ResponseWriter: rw}
	defer func() { // the proxy panics when a client hangs up
		if answer.begun.IsZero() {
			answer.begun = time.Now()
		}
		noted.end, noted.sent, noted.received = answer.begun, body.n, answer.n
		w.note(noted)
	}()
	proxy.ServeHTTP(answer, r)
}

// begin counts a request that is not noted yet, and returns how long it is delayed.
func (w *wire) begin() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open++
	return w.delay
}

func (w *wire) note(r request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open--
	w.requests = append(w.requests, r)
	w.noted.Broadcast()
}

// take returns the requests since it was called last, when the open ones have ended: a client may have its answer before it is noted.
func (w *wire) take() traffic {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.open > 0 {
		w.noted.Wait()
	}
	taken := w.requests
	w.requests = nil
	return taken
}

// setDelay says how much later requests arrive from now on.
func (w *wire) setDelay(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delay = d
}

func waitFor(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// A countedBody counts what is read of it.
type countedBody struct {
	io.ReadCloser
	n int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n += int64(n)
	return n, err
}

// A timedAnswer notes when an answer begins, which is before the client can act on it, and counts its bytes.
type timedAnswer struct {
	http.ResponseWriter
	begun time.Time
	n     int64
}

func (a *timedAnswer) WriteHeader(status int) {
	a.begun = time.Now()
	a.ResponseWriter.WriteHeader(status)
}

func (a *timedAnswer) Write(p []byte) (int, error) {
	n, err := a.ResponseWriter.Write(p)
	a.n += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (a *timedAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
