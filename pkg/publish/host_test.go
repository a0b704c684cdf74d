package publish

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pulpimg/pulpimg/pkg/registries"
)

func TestPlainHTTP_hosts(t *testing.T) {
	known, err := registries.Load(registries.Options{PlainHTTP: []string{"kind-registry:5000", "PLAIN.test", "[fd00::7]:80"}})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{
		"localhost": true, "localhost:5000": true, "LOCALHOST:1": true, "127.0.0.1": true, "127.8.0.1:5000": true, "[::1]:5000": true, "[::1]": true,
		"kind-registry:5000": true, "plain.test": true, "plain.test:80": true, "[fd00:0::7]": true,
		"10.0.0.1:5000": false, "172.16.0.1": false, "192.168.1.1:5000": false, "registry.local": false, "registry.localhost:5000": false,
		"kind-registry": false, "kind-registry:5001": false, "plain.test:443": false, "localhost.example.com": false, "127.0.0.1.example.com": false,
	} {
		if got := allowsPlain(known, host); got != want {
			t.Errorf("%s: plain HTTP is allowed: %t, want %t", host, got, want)
		}
	}
	for _, bad := range []string{"", "http://r.test", "r.test/pulp", "r test"} {
		if _, err := registries.Load(registries.Options{PlainHTTP: []string{bad}}); err == nil {
			t.Errorf("%q is taken for a host", bad)
		}
	}
}

// anywhere leads to one server, whichever host is asked for, and writes down what is asked for.
type anywhere struct {
	handler http.HandlerFunc
	seen    []string
}

func (a *anywhere) RoundTrip(req *http.Request) (*http.Response, error) {
	a.seen = append(a.seen, req.URL.Scheme+"://"+req.URL.Host)
	if req.Header.Get("Authorization") != "" {
		a.seen[len(a.seen)-1] += " with credentials"
	}
	w := httptest.NewRecorder()
	a.handler(w, req)
	resp := w.Result()
	resp.Request = req
	return resp, nil
}

func TestPlainHTTP_refused(t *testing.T) {
	cook := fixedKeychain{authn.AuthConfig{Username: "cook", Password: "pepper"}}
	for _, test := range []struct {
		name, reference string
		handler         http.HandlerFunc
		lowered         bool
		says            string
	}{
		{
			name: "a redirect", reference: "r.test/a:1", lowered: true, says: "from HTTPS to plain HTTP at r.test",
			handler: func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/v2/" {
					http.Redirect(w, r, "http://r.test"+r.URL.Path, http.StatusTemporaryRedirect)
				}
			},
		},
		{
			name: "a redirect of the first request", reference: "r.test/a:1", lowered: true, says: "from HTTPS to plain HTTP at r.test",
			handler: func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://r.test/v2/", http.StatusTemporaryRedirect)
			},
		},
		{
			name: "a redirect to this machine", reference: "r.test/a:1", lowered: true, says: "from HTTPS to plain HTTP at localhost",
			handler: func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://localhost/v2/", http.StatusTemporaryRedirect)
			},
		},
		{
			name: "a token server", reference: "r.test/a:1", lowered: true, says: "from HTTPS to plain HTTP at r.test",
			handler: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("WWW-Authenticate", `Bearer realm="http://r.test/token"`)
				w.WriteHeader(http.StatusUnauthorized)
			},
		},
		{
			name: "a token server of a registry on this machine", reference: "localhost/a:1", says: "refusing to use plain HTTP with 10.0.0.1",
			handler: func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Scheme == "https" {
					panic("the test has no TLS")
				}
				w.Header().Set("WWW-Authenticate", `Bearer realm="http://10.0.0.1/token"`)
				w.WriteHeader(http.StatusUnauthorized)
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			network := &anywhere{handler: test.handler}
			var transport http.RoundTripper = network
			if strings.HasPrefix(test.reference, "localhost") {
				transport = noTLS{network}
			}
			_, err := Resolve(t.Context(), test.reference, Options{Transport: transport, Keychain: cook})
			var refused *PlainHTTPError
			if !errors.As(err, &refused) || refused.Lowered != test.lowered || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("the error is %v, want a *PlainHTTPError that says %q", err, test.says)
			}
			for _, seen := range network.seen {
				if strings.HasPrefix(seen, "http://") && (test.lowered || !strings.HasPrefix(seen, "http://localhost")) {
					t.Errorf("%s was asked", seen)
				}
			}
		})
	}
}

// noTLS is a network in which nobody speaks TLS.
type noTLS struct{ inner http.RoundTripper }

func (n noTLS) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme == "https" {
		return nil, http.ErrSchemeMismatch
	}
	return n.inner.RoundTrip(req)
}

func TestPlainHTTP_privateAddresses(t *testing.T) {
	for host, allowed := range map[string]bool{"10.0.0.1:5000": false, "172.16.0.1": false, "192.168.0.1:5000": false, "registry.local": false, "127.0.0.2": true, "localhost": true} {
		network := &anywhere{handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Docker-Content-Digest", testDigest('a').String())
		}}
		_, err := Resolve(t.Context(), host+"/a:1", Options{Transport: noTLS{network}})
		if allowed != (err == nil) || !allowed && (!errors.Is(err, http.ErrSchemeMismatch) || len(network.seen) > 0) {
			t.Errorf("%s: %v, after requests to %v", host, err, network.seen)
		}
		if _, err := Resolve(t.Context(), host+"/a:1", Options{Transport: noTLS{network}, Registries: plain(t, host)}); err != nil {
			t.Errorf("%s, which the user named: %v", host, err)
		}
	}
}

func TestCredentials_redirects(t *testing.T) {
	for location, want := range map[string]bool{
		"https://r.test:443/x": true, "https://R.TEST/x": true,
		"https://sub.r.test/x": false, "https://r.test:8443/x": false, "https://bucket.test/x": false,
	} {
		network := &anywhere{handler: func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/v2/":
			case "/x":
				w.Header().Set("Docker-Content-Digest", testDigest('a').String())
			default:
				http.Redirect(w, r, location, http.StatusTemporaryRedirect)
			}
		}}
		_, err := Resolve(t.Context(), "r.test/a:1", Options{Transport: network, Keychain: fixedKeychain{authn.AuthConfig{Username: "cook", Password: "pepper"}}})
		if err != nil {
			t.Errorf("%s: %v", location, err)
		}
		last := network.seen[len(network.seen)-1]
		if got := strings.HasSuffix(last, " with credentials"); got != want {
			t.Errorf("redirected to %s: %s", location, last)
		}
	}
}

func FuzzLocation(f *testing.F) {
	for _, seed := range []string{"/v2/a/blobs/uploads/1?_state=x", "https://R.test:443/1", "http://r.test:80/", "http://bucket.test/1", "1?x", "//[::1]:443", "", "%"} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, location string, secure bool) {
		s := &session{registry: testTag(t, "r.test/a:1").Registry, scheme: "http"}
		if secure {
			s.scheme = "https"
		}
		asked := &url.URL{Scheme: s.scheme, Host: "r.test", Path: "/v2/a/blobs/uploads/"}
		u, err := s.location(&http.Response{Request: &http.Request{URL: asked}, Header: http.Header{"Location": {location}}})
		if err != nil {
			return
		}
		if secure && u.Scheme != "https" {
			t.Errorf("%q leads from https to %s", location, u)
		}
		if s.serves(u) && (u.Scheme != s.scheme || u.Host != "r.test") {
			t.Errorf("%q leads to %s, which is the registry by another name", location, u)
		}
	})
}

// plain allows plain HTTP with hosts.
func plain(t *testing.T, hosts ...string) *registries.Config {
	t.Helper()
	config, err := registries.Load(registries.Options{PlainHTTP: hosts})
	if err != nil {
		t.Fatal(err)
	}
	return config
}
