package registrytest

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The user that a quirky registry knows.
const (
	QuirkyUser     = "cook"
	QuirkyPassword = "pepper"
)

// storage is the host that uploads of [Elsewhere] go to.
const storage = "storage.test"

// Quirky is a small registry in memory with some quirks. Clients reach it with its Transport.
type Quirky struct {
	// Host is the registry's name in references.
	Host string
	// Transport connects to the registry, whichever host is asked for.
	Transport *http.Transport

	t      testing.TB
	scheme string
	server *httptest.Server
	quirks []Quirk
	gone   chan struct{}

	mu        sync.Mutex
	tokens    map[string][]string // their scopes
	uploads   map[string]bool     // by number
	blobs     map[string][]byte   // by repository@digest
	manifests map[string]stored   // by repository@digest
	tags      map[string]string   // digests by repository:tag
	former    map[string][]string // for [LateTag]: what the next reads see
	before    map[string]string   // for [OldHead]: what the tags were before they last moved
	happened  map[string]bool
	requests  []string // METHOD PATH STATUS
	tries     int
}

type stored struct {
	mediaType string
	raw       []byte
}

// NewQuirky runs a registry for the length of the test.
func NewQuirky(t testing.TB, quirks ...Quirk) *Quirky {
	t.Helper()
	q := &Quirky{
		Host: "registry.test", scheme: "https", t: t, quirks: quirks, gone: make(chan struct{}),
		tokens: map[string][]string{}, uploads: map[string]bool{}, blobs: map[string][]byte{}, manifests: map[string]stored{},
		tags: map[string]string{}, former: map[string][]string{}, before: map[string]string{}, happened: map[string]bool{},
	}
	q.server = httptest.NewUnstartedServer(q)
	q.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	switch {
	case q.has(Plain):
		q.Host, q.scheme = "localhost", "http"
		q.server.Start()
	case q.has(OddPort):
		q.Host += ":8443"
		q.server.StartTLS()
	default:
		q.server.StartTLS()
	}
	q.Transport = q.newTransport()
	t.Cleanup(func() {
		close(q.gone)
		q.Transport.CloseIdleConnections()
		q.server.CloseClientConnections()
		q.server.Close()
	})
	return q
}

// newTransport leads to the registry, whichever host is asked for.
func (q *Quirky) newTransport() *http.Transport {
	return &http.Transport{
		MaxIdleConnsPerHost: 16, // a handshake costs more than all else here
		TLSClientConfig:     &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, q.server.Listener.Addr().String())
		},
	}
}

func (q *Quirky) has(quirk Quirk) bool { return slices.Contains(q.quirks, quirk) }

// once reports true the first time that it is asked about something, if the registry has the quirk.
func (q *Quirky) once(quirk Quirk, what string) bool {
	key := string(quirk) + " " + what
	if !q.has(quirk) || q.happened[key] {
		return false
	}
	q.happened[key] = true
	return true
}

// Requests gives the record: METHOD PATH STATUS of each request, in the order of their ends.
func (q *Quirky) Requests() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.requests)
}

// Happened reports whether a quirk that happens only once has happened.
func (q *Quirky) Happened(quirk Quirk) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for key := range q.happened {
		if strings.HasPrefix(key, string(quirk)+" ") {
			return true
		}
	}
	return false
}

// answer is a response, made while the registry is locked and written afterwards.
type answer struct {
	status int
	header map[string]string
	body   []byte
	// How the connection ends instead.
	silent, cutHeader, cutBody bool
}

func refuse(status int, code, message string) answer {
	body, err := json.Marshal(map[string]any{"errors": []map[string]string{{"code": code, "message": message}}})
	if err != nil {
		panic(err)
	}
	return answer{status: status, body: body}
}

// ServeHTTP implements [http.Handler].
func (q *Quirky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if q.has(SlowTags) && r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") && !strings.Contains(r.URL.Path, "sha256:") {
		time.Sleep(rand.N(40 * time.Millisecond))
	}
	a := q.answer(r, body)
	switch {
	case a.silent:
		select {
		case <-q.gone:
		case <-r.Context().Done():
		}
		panic(http.ErrAbortHandler)
	case a.cutHeader:
		q.cut(w, "HTTP/1.1 201 Created\r\nDocker-Content-Dig")
	case a.cutBody:
		q.cut(w, "HTTP/1.1 200 OK\r\nContent-Type: "+a.header["Content-Type"]+"\r\nContent-Length: 1000000\r\n\r\n{")
	}
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// cut writes some bytes and ends the connection.
func (q *Quirky) cut(w http.ResponseWriter, text string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(conn, text)
	_ = conn.Close()
	panic(http.ErrAbortHandler)
}

func (q *Quirky) answer(r *http.Request, body []byte) (a answer) {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer func() {
		q.requests = append(q.requests, r.Method+" "+r.URL.Path+" "+http.StatusText(a.status))
	}()
	switch path := r.URL.Path; {
	case path == "/token":
		return q.token(r)
	case path == "/v2/":
		if q.has(OpenPing) {
			return answer{status: http.StatusOK}
		}
		if refused, ok := q.authorize(r, "", ""); !ok {
			return refused
		}
		return answer{status: http.StatusOK}
	case strings.HasPrefix(path, "/uploads/"):
		repo, number, _ := strings.Cut(strings.TrimPrefix(path, "/uploads/"), "/blobs/uploads/")
		return q.continueUpload(r, repo, number, body)
	case strings.HasPrefix(path, "/v2/"):
		path = strings.TrimPrefix(path, "/v2/")
		if repo, number, ok := strings.Cut(path, "/blobs/uploads/"); ok {
			if number == "" {
				return q.beginUpload(r, repo)
			}
			return q.continueUpload(r, repo, number, body)
		}
		if repo, digest, ok := strings.Cut(path, "/blobs/"); ok {
			return q.blob(r, repo, digest)
		}
		if repo, identifier, ok := strings.Cut(path, "/manifests/"); ok {
			return q.manifest(r, repo, identifier, body)
		}
	}
	return answer{status: http.StatusNotFound}
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
