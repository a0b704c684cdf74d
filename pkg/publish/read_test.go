package publish

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/registries"
)

// requests records what a registry was asked, by method and path.
type requests struct {
	mu  sync.Mutex
	all []string
}

func (r *requests) add(req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, strings.TrimSpace(req.Method+" "+req.URL.Path+" "+req.Header.Get("Range")))
}

func (r *requests) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.all, ", ")
}

func newReader(t *testing.T, opts Options) *Reader {
	t.Helper()
	if opts.Keychain == nil {
		opts.Keychain = fixedKeychain{}
	}
	opts.Backoff.First = time.Microsecond
	r, err := NewReader(opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func blobOf(content string) ocispec.Descriptor {
	return ocispec.Descriptor{Digest: digest.FromString(content), Size: int64(len(content))}
}

// readAll reads a blob from a registry that is a handler.
func readAll(t *testing.T, desc ocispec.Descriptor, handler http.HandlerFunc) (string, error) {
	t.Helper()
	in, err := newReader(t, Options{Backoff: Backoff{Attempts: 4}}).Blob(t.Context(), serve(t, handler)+"/a:1", desc)
	if err != nil {
		return "", err
	}
	data, err := io.ReadAll(in)
	if closed := in.Close(); closed != nil {
		t.Errorf("closing: %v", closed)
	}
	return string(data), err
}

func TestReader_Blob(t *testing.T) {
	const content = "0123456789"
	// breaking sends a part of a content and breaks the connection.
	breaking := func(w http.ResponseWriter, part string) {
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		_, _ = io.WriteString(w, part)
	}
	for _, test := range []struct {
		name  string
		serve func(w http.ResponseWriter, r *http.Request, start int)
		asked string // the ranges
		err   string
	}{
		{"whole", func(w http.ResponseWriter, _ *http.Request, _ int) { _, _ = io.WriteString(w, content) }, "-", ""},
		{"broken, and continued", func(w http.ResponseWriter, _ *http.Request, start int) {
			if start == 0 {
				breaking(w, content[:4])
				return
			}
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-9/10", start))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = io.WriteString(w, content[start:])
		}, "- bytes=4-", ""},
		{"broken, by a registry without ranges", func(w http.ResponseWriter, _ *http.Request, start int) {
			if start == 0 {
				breaking(w, content[:4])
				return
			}
			_, _ = io.WriteString(w, content)
		}, "- bytes=4-", ""},
		{"another range than was asked for", func(w http.ResponseWriter, _ *http.Request, start int) {
			if start == 0 {
				breaking(w, content[:4])
				return
			}
			w.Header().Set("Content-Range", "bytes 5-9/10")
			w.WriteHeader(http.StatusPartialContent)
		}, "- bytes=4-", `has the range "bytes 5-9/10"`},
		{"broken after each byte", func(w http.ResponseWriter, _ *http.Request, start int) {
			w.Header().Set("Content-Length", fmt.Sprint(len(content)-start))
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-9/10", start))
			if start > 0 {
				w.WriteHeader(http.StatusPartialContent)
			}
			_, _ = io.WriteString(w, content[start:start+1])
		}, "- bytes=1- bytes=2- bytes=3- bytes=4- bytes=5- bytes=6- bytes=7- bytes=8- bytes=9-", ""},
		{"always broken", func(w http.ResponseWriter, _ *http.Request, _ int) { breaking(w, "") }, "- - - -", "tried 4 times"},
		{"short", func(w http.ResponseWriter, _ *http.Request, start int) {
			if start > 0 {
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
				return
			}
			_, _ = io.WriteString(w, content[:9])
		}, "- bytes=9-", "it has 9 bytes, not 10"},
		{"long", func(w http.ResponseWriter, _ *http.Request, _ int) { _, _ = io.WriteString(w, content+"x") }, "-", "more than 10 bytes"},
		{"other bytes", func(w http.ResponseWriter, _ *http.Request, _ int) { _, _ = io.WriteString(w, "012345678x") }, "-", "its bytes differ"},
		{"missing", func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(http.StatusNotFound) }, "-", "does not exist"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var asked []string
			got, err := readAll(t, blobOf(content), func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/v2/" {
					return
				}
				if r.Header.Get("Accept-Encoding") != "identity" {
					t.Errorf("it may come as %q", r.Header.Get("Accept-Encoding"))
				}
				start := 0
				ranged := r.Header.Get("Range")
				_, _ = fmt.Sscanf(ranged, "bytes=%d-", &start)
				asked = append(asked, ranged+strings.Repeat("-", 1-min(1, len(ranged))))
				test.serve(w, r, start)
			})
			if strings.Join(asked, " ") != test.asked {
				t.Errorf("the ranges that were asked for are %q, want %q", asked, test.asked)
			}
			if test.err == "" && (err != nil || got != content) {
				t.Errorf("got %q, %v", got, err)
			}
			if test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("the error is %v, want %q", err, test.err)
			}
		})
	}
}

// A blob that is somewhere else comes from there, and the other host gets no credentials.
func TestReader_Blob_elsewhere(t *testing.T) {
	const content = "a layer"
	var leaked, shown string
	bucket := serve(t, func(w http.ResponseWriter, r *http.Request) {
		leaked = r.Header.Get("Authorization")
		_, _ = io.WriteString(w, content)
	})
	var host string
	host = serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/token":
			if scope := r.URL.Query().Get("scope"); scope != "repository:a/b:pull" {
				t.Errorf("a token is asked for with the scope %q", scope)
			}
			_ = json.NewEncoder(w).Encode(map[string]string{"token": "t0ken"})
		case r.Header.Get("Authorization") == "":
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+host+`/token",service="r"`)
			w.WriteHeader(http.StatusUnauthorized)
		default:
			shown = r.Header.Get("Authorization")
			http.Redirect(w, r, "http://"+bucket+"/elsewhere", http.StatusTemporaryRedirect)
		}
	})
	in, err := newReader(t, Options{Keychain: fixedKeychain{authn.AuthConfig{Username: "cook", Password: "pepper"}}}).Blob(t.Context(), host+"/a/b:1", blobOf(content))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if data, err := io.ReadAll(in); err != nil || string(data) != content {
		t.Errorf("got %q, %v", data, err)
	}
	if shown != "Bearer t0ken" || leaked != "" {
		t.Errorf("the registry got %q, and the other host %q", shown, leaked)
	}
}

// Many questions to a registry cost it one about its protocol and one for a token.
func TestReader_connectsOnce(t *testing.T) {
	var asked requests
	host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.add(r)
		w.Header().Set("Docker-Content-Digest", testDigest('a').String())
	})
	reader := newReader(t, Options{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if _, err := reader.Digest(t.Context(), host+"/a:1"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got, want := asked.String(), "GET /v2/"+strings.Repeat(", HEAD /v2/a/manifests/1", 4); got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
}

func TestReader_Manifest(t *testing.T) {
	const manifest = `{"schemaVersion":2}`
	sum := sha256.Sum256([]byte(manifest))
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		err    any
	}{
		{"there", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, manifest) }, nil},
		{"something else", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, manifest+" ") }, new(*ContentError)},
		{"not there", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, new(*NotFoundError)},
		{"denied", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, new(*CredentialsError)},
	} {
		t.Run(test.name, func(t *testing.T) {
			host := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/v2/" {
					test.answer(w, r)
				}
			})
			got, err := newReader(t, Options{}).Manifest(t.Context(), fmt.Sprintf("%s/a:1@sha256:%x", host, sum))
			if test.err == nil && (err != nil || string(got) != manifest) {
				t.Errorf("got %q, %v", got, err)
			}
			if test.err != nil && !errors.As(err, test.err) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestReader_Manifest_tooLong(t *testing.T) {
	host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			_, _ = io.Copy(w, io.LimitReader(zeros{}, maxManifest+1))
		}
	})
	_, err := newReader(t, Options{}).Manifest(t.Context(), host+"/a@"+testDigest('a').String())
	if err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("the error is %v", err)
	}
}

// A registry that does not answer is asked once, whatever is wanted from it.
func TestReader_unreachable(t *testing.T) {
	tries := 0
	reader := newReader(t, Options{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		tries++
		return nil, errors.New("no route")
	})})
	for range 3 {
		_, err := reader.Digest(t.Context(), "r.test/a:1")
		var unreachable *UnreachableError
		if !errors.As(err, &unreachable) || unreachable.Registry != "r.test" {
			t.Errorf("the error is %v", err)
		}
	}
	if tries != 1 {
		t.Errorf("it was asked %d times", tries)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Mirrors of hosts.toml are asked first, and told which registry is meant. What they do not have, the registry has.
func TestReader_mirrors(t *testing.T) {
	const manifest = `{"schemaVersion":2}`
	want := digest.FromString(manifest)
	var asked requests
	has := map[string]bool{} // by hosts
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" {
			return
		}
		asked.add(&http.Request{Method: r.Method, URL: &url.URL{Path: r.URL.RequestURI()}})
		if !has[r.Host] {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Docker-Content-Digest", want.String())
		_, _ = io.WriteString(w, manifest)
	}
	mirror, origin := serve(t, handler), serve(t, handler)
	config := t.TempDir()
	dir := filepath.Join(config, "containerd", "certs.d", origin)
	text := "[host.\"http://" + mirror + "/v2/hub\"]\noverride_path = true\ncapabilities = [\"pull\", \"resolve\"]\n"
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "hosts.toml"), []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	known, err := registries.Load(registries.Options{Root: t.TempDir(), Getenv: func(name string) string {
		return map[string]string{"XDG_CONFIG_HOME": config}[name]
	}})
	if err != nil {
		t.Fatal(err)
	}
	reader := newReader(t, Options{Registries: known, Backoff: Backoff{Attempts: 1}})
	ns := "?ns=" + url.QueryEscape(origin)
	for _, test := range []struct {
		mirror, origin bool
		want           string
	}{
		{true, true, "GET /v2/hub/a/manifests/" + want.String() + ns},
		{false, true, "GET /v2/hub/a/manifests/" + want.String() + ns + ", GET /v2/a/manifests/" + want.String()},
		{false, false, "GET /v2/hub/a/manifests/" + want.String() + ns + ", GET /v2/a/manifests/" + want.String()},
	} {
		has[mirror], has[origin], asked.all = test.mirror, test.origin, nil
		got, err := reader.Manifest(t.Context(), origin+"/a@"+want.String())
		var missing *NotFoundError
		if test.origin && (err != nil || string(got) != manifest) || !test.origin && (!errors.As(err, &missing) || !strings.HasPrefix(missing.Reference, origin)) {
			t.Errorf("got %q, %v", got, err)
		}
		if asked.String() != test.want {
			t.Errorf("asked for %s, want %s", &asked, test.want)
		}
	}
	has[mirror], asked.all = true, nil
	if got, err := reader.Digest(t.Context(), origin+"/a:1"); err != nil || got != want || asked.String() != "HEAD /v2/hub/a/manifests/1"+ns {
		t.Errorf("got %s, %v, after %s", got, err, &asked)
	}
	asked.all, has[origin] = nil, true
	if _, err := reader.Tags(t.Context(), origin+"/a"); err != nil || asked.String() != "GET /v2/a/tags/list?n=1000" {
		t.Errorf("the tags: %v, after %s, want that no mirror is asked: its list may be old", err, &asked)
	}
	asked.all = nil
	in, err := reader.Blob(t.Context(), origin+"/a:1", blobOf(manifest))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if got, err := io.ReadAll(in); err != nil || string(got) != manifest || asked.String() != "GET /v2/hub/a/blobs/"+want.String()+ns {
		t.Errorf("got %q, %v, after %s", got, err, &asked)
	}
}
