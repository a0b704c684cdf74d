package publish

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pulpimg/pulpimg/pkg/registries"
)

// kindOf says which of the errors of Resolve an error is.
func kindOf(err error) string {
	var (
		missing     *NotFoundError
		refused     *CredentialsError
		unreachable *UnreachableError
	)
	switch {
	case err == nil:
		return ""
	case errors.As(err, &missing):
		return "missing"
	case errors.As(err, &refused):
		return "refused"
	case errors.As(err, &unreachable):
		return "unreachable"
	}
	return err.Error()
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func TestReader_Tagged(t *testing.T) {
	const manifest = `{"schemaVersion":2}`
	long := strings.Repeat(" ", maxManifest)
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
		err    string
	}{
		{"there", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, manifest) }, manifest, ""},
		{"as long as it may be", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, long) }, long, ""},
		{"longer", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, long+" ") }, "", "longer than"},
		{"missing", status(http.StatusNotFound), "", "missing"},
		{"denied", status(http.StatusForbidden), "", "refused"},
		{"not logged in", status(http.StatusUnauthorized), "", "refused"},
		{"an error", status(http.StatusInternalServerError), "", "500"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var asked requests
			host := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/v2/" {
					asked.add(r)
					test.answer(w, r)
				}
			})
			got, err := newReader(t, Options{Backoff: Backoff{Attempts: 1}}).Tagged(t.Context(), host+"/a/b:key-1")
			if string(got) != test.want || !strings.Contains(kindOf(err), test.err) || (err == nil) != (test.err == "") {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
			if err != nil && !strings.Contains(err.Error(), "/a/b:key-1") {
				t.Errorf("the error does not say what was read: %v", err)
			}
			if !strings.HasPrefix(asked.String(), "GET /v2/a/b/manifests/key-1") {
				t.Errorf("asked for %s", &asked)
			}
		})
	}
}

func TestReader_HasBlob(t *testing.T) {
	blob := blobOf("content")
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		has    bool
		err    string
	}{
		{"there", status(http.StatusOK), true, ""},
		{"missing", status(http.StatusNotFound), false, ""},
		{"denied", status(http.StatusForbidden), false, ""},
		{"not logged in", status(http.StatusUnauthorized), false, "refused"},
		{"an error", status(http.StatusInternalServerError), false, "500"},
		{"without HEAD", func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				w.WriteHeader(http.StatusMethodNotAllowed)
				return
			}
			w.WriteHeader(http.StatusPartialContent)
		}, true, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			host := serve(t, func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/v2/":
				case "/v2/a/b/blobs/" + blob.Digest.String():
					test.answer(w, r)
				default:
					t.Errorf("asked for %s", r.URL)
				}
			})
			reader := newReader(t, Options{Backoff: Backoff{Attempts: 1}})
			for _, reference := range []string{host + "/a/b:1", host + "/a/b@" + testDigest('a').String()} {
				has, err := reader.HasBlob(t.Context(), reference, blob)
				if has != test.has || !strings.Contains(kindOf(err), test.err) || (err == nil) != (test.err == "") {
					t.Errorf("it is there: %t, %v", has, err)
				}
				if err != nil && !strings.Contains(err.Error(), "/a/b for the blob "+blob.Digest.String()) {
					t.Errorf("the error does not say what was asked: %v", err)
				}
			}
		})
	}
}

// Who may read gets a token to read, and no more.
func TestReader_Tagged_token(t *testing.T) {
	var host string
	host = serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/token":
			if scope := r.URL.Query().Get("scope"); scope != "repository:a/b:pull" {
				t.Errorf("a token is asked for with the scope %q", scope)
			}
			_, _ = io.WriteString(w, `{"token":"t0ken"}`)
		case r.Header.Get("Authorization") != "Bearer t0ken":
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+host+`/token",service="r"`)
			w.WriteHeader(http.StatusUnauthorized)
		default:
			_, _ = io.WriteString(w, "{}")
		}
	})
	reader := newReader(t, Options{Keychain: fixedKeychain{authn.AuthConfig{Username: "cook", Password: "pepper"}}})
	if got, err := reader.Tagged(t.Context(), host+"/a/b:1"); err != nil || string(got) != "{}" {
		t.Errorf("got %q, %v", got, err)
	}
	if has, err := reader.HasBlob(t.Context(), host+"/a/b:1", blobOf("x")); err != nil || !has {
		t.Errorf("the blob is there: %t, %v", has, err)
	}
}

// What a tag points to and what a repository has, only the registry knows: mirrors are not asked.
func TestReader_Tagged_noMirror(t *testing.T) {
	mirror := serve(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("the mirror is asked for %s", r.URL) })
	origin := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })
	config := t.TempDir()
	dir := filepath.Join(config, "containerd", "certs.d", origin)
	text := fmt.Sprintf("[host.\"http://%s\"]\ncapabilities = [\"pull\", \"resolve\"]\n", mirror)
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
	if got, err := reader.Tagged(t.Context(), origin+"/a:1"); err != nil || string(got) != "{}" {
		t.Errorf("got %q, %v", got, err)
	}
	if has, err := reader.HasBlob(t.Context(), origin+"/a:1", blobOf("x")); err != nil || !has {
		t.Errorf("the blob is there: %t, %v", has, err)
	}
}

func TestReader_Tagged_unreachable(t *testing.T) {
	reader := newReader(t, Options{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") }), Backoff: Backoff{Attempts: 1}})
	if _, err := reader.Tagged(t.Context(), "r.test/a:1"); kindOf(err) != "unreachable" {
		t.Errorf("the error is %v", err)
	}
	if _, err := reader.HasBlob(t.Context(), "r.test/a:1", blobOf("x")); kindOf(err) != "unreachable" {
		t.Errorf("the error is %v", err)
	}
	for _, reference := range []string{"", "r.test/A:1", "r.test/a@" + testDigest('a').String()} {
		if _, err := reader.Tagged(t.Context(), reference); err == nil || kindOf(err) == "unreachable" {
			t.Errorf("of %q, the error is %v", reference, err)
		}
	}
}

func TestAtDigest(t *testing.T) {
	d := blobOf("x").Digest
	for reference, want := range map[string]string{
		"r.test/a/b:1": "r.test/a/b@" + d.String(), "r.test:5000/a": "r.test:5000/a@" + d.String(), "r.test/a@" + testDigest('a').String(): "r.test/a@" + d.String(), "r.test/A": "",
	} {
		if got, err := AtDigest(reference, d); got != want || (err == nil) != (want != "") {
			t.Errorf("of %s, it is %q, %v", reference, got, err)
		}
	}
}
