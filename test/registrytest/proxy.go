package registrytest

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Request is a request that passed the proxy.
type Request struct {
	Method string
	Path   string // without /v2/
	Query  map[string][]string
	Status int   // 0 if it got no answer
	Body   int64 // bytes of the body that were read
	Order  int   // of its arrival
}

// IsBlob reports whether the request is about a blob, and not about a manifest or the registry itself.
func (r Request) IsBlob() bool { return strings.Contains(r.Path, "/blobs/") }

// StoresTag reports whether the request moves a tag.
func (r Request) StoresTag() bool { return r.storesManifest() && !strings.Contains(r.Path, "sha256:") }

// StoresByDigest reports whether the request stores a manifest under its digest.
func (r Request) StoresByDigest() bool {
	return r.storesManifest() && strings.Contains(r.Path, "sha256:")
}

func (r Request) storesManifest() bool {
	return r.Method == http.MethodPut && strings.Contains(r.Path, "/manifests/")
}

// Proxy is a proxy in front of a registry. It records each request, and can make requests fail. Requests may come at the same time.
type Proxy struct {
	// Host is HOST:PORT, to be used as the registry in references.
	Host string

	registry http.Handler

	mu       sync.Mutex
	requests []Request
	received int
	faults   []*fault
	watch    func(*http.Request)
}

// Fault handles a request instead of the registry; next is the registry.
type Fault func(w http.ResponseWriter, r *http.Request, next http.Handler)

type fault struct {
	match func(*http.Request) bool
	times int
	do    Fault
}

// NewProxy serves a registry on 127.0.0.1 for the length of the test. The registry is made when its HOST:PORT is known.
func NewProxy(t testing.TB, registry func(host string) http.Handler) *Proxy {
	t.Helper()
	p := &Proxy{}
	server := httptest.NewUnstartedServer(p)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // broken connections are what the faults are for
	p.Host = server.Listener.Addr().String()
	p.registry = registry(p.Host)
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return p
}

// StartProxied runs a registry behind a proxy.
func StartProxied(t testing.TB, opts ...Option) *Proxy {
	t.Helper()
	return NewProxy(t, func(string) http.Handler { return Start(t, opts...) })
}

// Spoil applies do to the next so many requests that match. A negative number is all of them.
func (p *Proxy) Spoil(times int, match func(*http.Request) bool, do Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, &fault{match, times, do})
}

// Watch has do called with each request before it is handled. Requests may come at the same time.
func (p *Proxy) Watch(do func(*http.Request)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watch = do
}

// Heal ends all faults.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = nil
}

// Forget deletes the record.
func (p *Proxy) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests, p.received = nil, 0
}

// Requests returns the record, in the order in which the requests ended.
func (p *Proxy) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Request(nil), p.requests...)
}

// Count returns how many requests on record match.
func (p *Proxy) Count(match func(Request) bool) int {
	n := 0
	for _, r := range p.Requests() {
		if match(r) {
			n++
		}
	}
	return n
}

// BlobBytes returns how many bytes of each blob were sent, by digest.
func (p *Proxy) BlobBytes() map[string]int64 {
	bytes := make(map[string]int64)
	for _, r := range p.Requests() {
		if r.IsBlob() && r.Body > 0 {
			bytes[r.Query["digest"][0]] += r.Body
		}
	}
	return bytes
}

// ServeHTTP implements [http.Handler].
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	seen := Request{Method: r.Method, Path: strings.TrimPrefix(r.URL.Path, "/v2/"), Query: r.URL.Query()}
	body := &countingBody{ReadCloser: r.Body}
	r.Body = body
	answer := &recordingWriter{ResponseWriter: w}
	order := p.arrive()
	defer func() { // also when the handler breaks the connection
		seen.Status, seen.Body, seen.Order = answer.status, body.n, order
		p.mu.Lock()
		defer p.mu.Unlock()
		p.requests = append(p.requests, seen)
	}()
	if watch := p.watcher(); watch != nil {
		watch(r)
	}
	if do := p.faultFor(r); do != nil {
		do(answer, r, p.registry)
		return
	}
	p.registry.ServeHTTP(answer, r)
}

func (p *Proxy) watcher() func(*http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.watch
}

func (p *Proxy) arrive() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.received++
	return p.received
}

func (p *Proxy) faultFor(r *http.Request) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.faults {
		if f.times != 0 && f.match(r) {
			f.times--
			return f.do
		}
	}
	return nil
}

type countingBody struct {
	io.ReadCloser
	n int64
}

func (b *countingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n += int64(n)
	return n, err
}

type recordingWriter struct {
	http.ResponseWriter
	status int
}

func (w *recordingWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *recordingWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets [http.ResponseController] through.
func (w *recordingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
