package publish

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"

	"github.com/pulpimg/pulpimg/pkg/registries"
)

// An upload continues where the registry says.
func TestSession_location(t *testing.T) {
	for _, test := range []struct {
		scheme, location, want, err string
	}{
		{"https", "/v2/a/blobs/uploads/1?_state=x", "https://r.test/v2/a/blobs/uploads/1?_state=x", ""},
		{"https", "https://bucket.test/1?signature=x", "https://bucket.test/1?signature=x", ""},
		{"https", "http://r.test/1", "https://r.test/1", ""},
		{"http", "https://r.test/1", "http://r.test/1", ""},
		{"http", "http://bucket.test/1", "http://bucket.test/1", ""},
		{"https", "http://bucket.test/1", "", "without encryption"},
		{"https", "", "", "does not say where to upload to"},
	} {
		registry, err := name.NewRegistry("r.test")
		if err != nil {
			t.Fatal(err)
		}
		s := &session{registry: registry, scheme: test.scheme}
		asked := &url.URL{Scheme: test.scheme, Host: "r.test", Path: "/v2/a/blobs/uploads/"}
		resp := &http.Response{Request: &http.Request{URL: asked}, Header: make(http.Header)}
		if test.location != "" {
			resp.Header.Set("Location", test.location)
		}
		got, err := s.location(resp)
		switch {
		case test.err != "":
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%+v: the error is %v", test, err)
			}
		case err != nil:
			t.Errorf("%+v: %v", test, err)
		case got.String() != test.want:
			t.Errorf("%s leads to %s, want %s", test.location, got, test.want)
		}
	}
}

// serve runs handler on 127.0.0.1 and gives its HOST:PORT.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestCredentials_stayWithTheRegistry(t *testing.T) {
	var leaked string
	bucket := serve(t, func(w http.ResponseWriter, r *http.Request) {
		leaked = r.Header.Get("Authorization")
		w.Header().Set("Docker-Content-Digest", testDigest('a').String())
	})
	var shown string
	host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			shown = r.Header.Get("Authorization")
			http.Redirect(w, r, "http://"+bucket+"/elsewhere", http.StatusTemporaryRedirect)
		}
	})
	got, err := Resolve(t.Context(), host+"/base:1", Options{Keychain: fixedKeychain{authn.AuthConfig{Username: "cook", Password: "pepper"}}})
	if err != nil || got != testDigest('a') {
		t.Fatalf("resolved to %s, %v", got, err)
	}
	if shown == "" || leaked != "" {
		t.Errorf("the registry saw %q, the other host %q", shown, leaked)
	}
}

// The Authorization header depends on the kind of credentials.
func TestAccess_authorization(t *testing.T) {
	for _, test := range []struct {
		config authn.AuthConfig
		want   string
	}{
		{authn.AuthConfig{}, ""},
		{authn.AuthConfig{Username: "cook", Password: "pepper"}, "Basic Y29vazpwZXBwZXI="},
		{authn.AuthConfig{Auth: "Y29vazpwZXBwZXI="}, "Basic Y29vazpwZXBwZXI="},
		{authn.AuthConfig{RegistryToken: "t"}, "Bearer t"},
	} {
		var got string
		host := serve(t, func(w http.ResponseWriter, r *http.Request) {
			got = r.Header.Get("Authorization")
			w.Header().Set("Docker-Content-Digest", testDigest('a').String())
		})
		if _, err := Resolve(t.Context(), host+"/base:1", Options{Keychain: fixedKeychain{test.config}}); err != nil {
			t.Error(err)
		}
		if got != test.want {
			t.Errorf("%+v gives %q, want %q", test.config, got, test.want)
		}
	}
}

// A digest that the registry does not send is computed.
func TestResolve_noDigestHeader(t *testing.T) {
	const body = `{"schemaVersion":2}`
	host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" && r.Method == http.MethodGet {
			_, _ = w.Write([]byte(body))
		}
	})
	got, err := Resolve(t.Context(), host+"/base:1", Options{})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(body))
	if want := (v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}); got != want {
		t.Errorf("resolved to %s, want %s", got, want)
	}
}

func TestResolve_noRegistry(t *testing.T) {
	host := serve(t, http.NotFound)
	_, err := Resolve(t.Context(), host+"/base:1", Options{})
	if err == nil || !strings.Contains(err.Error(), host+" does not answer as a registry does") {
		t.Errorf("the error is %v", err)
	}
}

// Items that cannot all be published are refused before anything is sent.
func TestPublish_wrongItems(t *testing.T) {
	a, b := testTag(t, "r.test/a:1"), testTag(t, "r.test/b:1")
	for _, test := range []struct {
		items []Item
		want  string
	}{
		{nil, "there is nothing to publish"},
		{[]Item{{Name: "a", Reference: a}}, "a has no content to publish"},
		{[]Item{{Name: "a", Content: empty.Image}}, "a has no reference to be published under"},
		{[]Item{{Name: "a", Reference: a, Content: empty.Image}, {Name: "b", Reference: a, Content: empty.Index}}, "a and b would both be published as r.test/a:1"},
		{[]Item{{Name: "a", Reference: a, Content: empty.Image}, {Name: "b", Reference: b, Content: struct{ Content }{empty.Image}}}, "b is neither an image nor an index but a struct { publish.Content }"},
	} {
		_, err := Publish(t.Context(), test.items, Options{})
		if err == nil || err.Error() != test.want {
			t.Errorf("the error is %v, want %s", err, test.want)
		}
	}
}

func TestOptions_wrong(t *testing.T) {
	for _, test := range []struct {
		opts Options
		want string
	}{
		{Options{Jobs: -1}, "-1 blobs at a time: at least one is needed"},
		{Options{Backoff: Backoff{Attempts: -1}}, "-1 attempts: at least one is needed"},
		{Options{Patience: -time.Second}, "a patience of -1s: it has to be positive"},
	} {
		if _, err := Resolve(t.Context(), "r.test/a:1", test.opts); err == nil || err.Error() != test.want {
			t.Errorf("the error is %v, want %s", err, test.want)
		}
	}
}

type fixedKeychain struct{ config authn.AuthConfig }

func (k fixedKeychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.FromConfig(k.config), nil
}

// Functions with the same greetings ask a registry once. What went wrong is asked again.
func TestGreetings(t *testing.T) {
	var pings atomic.Int64
	fails := true
	host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" {
			if pings.Add(1); fails {
				w.WriteHeader(http.StatusTeapot)
			}
			return
		}
		w.WriteHeader(http.StatusNotFound)
	})
	opts := Options{Registries: &registries.Config{}, Backoff: Backoff{Attempts: 1}, Greetings: &Greetings{}}
	resolve := func() error {
		_, err := Resolve(t.Context(), host+"/a:1", opts)
		return err
	}
	if err := resolve(); kindOf(err) != "unreachable" {
		t.Errorf("the error is %v", err)
	}
	fails = false
	before := pings.Load()
	for range 3 {
		if err := resolve(); kindOf(err) != "missing" {
			t.Errorf("the error is %v", err)
		}
	}
	if n := pings.Load() - before; n != 1 {
		t.Errorf("it was asked %d times", n)
	}
	opts.Greetings = nil
	if err := resolve(); kindOf(err) != "missing" || pings.Load()-before != 2 {
		t.Errorf("without greetings, it is not asked: %v", err)
	}
}
