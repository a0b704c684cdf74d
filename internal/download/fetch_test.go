package download_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	spb "github.com/moby/buildkit/sourcepolicy/pb"

	"github.com/pulpimg/pulpimg/internal/download"
	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/internal/policy"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// urlOf returns a URL as a spec has it.
func urlOf(t *testing.T, text string) family.URL {
	t.Helper()
	f := familytest.Parse(t, fmt.Sprintf("version: 1\nname: f\nregistry: r.test\ntag: t\nimages:\n  a:\n    from: scratch\n    steps:\n      - repo: { url: %q, to: /r }\n", text))
	fetch, ok := f.Images[0].Steps[0].(family.Fetch)
	if !ok {
		t.Fatalf("%s is fetched by a %T", text, f.Images[0].Steps[0])
	}
	return fetch.URL
}

// serve runs a handler and returns its URL.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func sumOf(content string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(content))) }

// A server has one file, and notes what it was asked for.
type server struct {
	content, etag, modified string
	// answersAlways is set if it ignores what is known already.
	answersAlways bool
	asked         []string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked = append(s.asked, r.Method+" "+r.Header.Get("If-None-Match")+r.Header.Get("If-Modified-Since"))
	if s.etag != "" {
		w.Header().Set("ETag", s.etag)
	}
	if s.modified != "" {
		w.Header().Set("Last-Modified", s.modified)
	}
	match, since := r.Header.Get("If-None-Match"), r.Header.Get("If-Modified-Since")
	if !s.answersAlways && (match != "" && match == s.etag || match == "" && since != "" && since == s.modified) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = io.WriteString(w, s.content)
}

func TestFetcher_Get(t *testing.T) {
	long := time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)
	for _, test := range []struct {
		name          string
		server        server
		pinned        bool
		change        func(s *server, name string) // before the second time
		first, second []string                     // requests
	}{
		{"an ETag", server{content: "a", etag: `"1"`}, false, nil, []string{"GET "}, []string{`GET "1"`}},
		{"a weak ETag", server{content: "a", etag: `W/"1"`}, false, nil, []string{"GET "}, []string{`GET W/"1"`}},
		{"another ETag", server{content: "a", etag: `"1"`}, false, func(s *server, _ string) { s.content, s.etag = "b", `"2"` }, []string{"GET "}, []string{`GET "1"`}},
		{"a time", server{content: "a", modified: long}, false, nil, []string{"GET "}, []string{"GET " + long}},
		{"an ETag and a time", server{content: "a", etag: `"1"`, modified: long}, false, nil, []string{"GET "}, []string{`GET "1"`}},
		{"a time that has just been", server{content: "a", modified: time.Now().UTC().Format(http.TimeFormat)}, false, nil, []string{"GET "}, []string{"GET "}},
		{"neither", server{content: "a"}, false, func(s *server, _ string) { s.content = "b" }, []string{"GET "}, []string{"GET "}},
		{"a server that always answers", server{content: "a", etag: `"1"`, answersAlways: true}, false, func(s *server, _ string) { s.content = "b" }, []string{"GET "}, []string{`GET "1"`}},
		{"pinned", server{content: "a", etag: `"1"`}, true, nil, []string{"GET "}, nil},
		{"damaged", server{content: "a", etag: `"1"`}, false, damage, []string{"GET "}, []string{"GET "}},
		{"pinned and damaged", server{content: "a", etag: `"1"`}, true, damage, []string{"GET "}, []string{"GET "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &test.server
			from := urlOf(t, serve(t, s.ServeHTTP)+"/f")
			f := download.Fetcher{Dir: filepath.Join(t.TempDir(), "new")}
			get := func(want []string) {
				t.Helper()
				s.asked = nil
				sum := ""
				if test.pinned {
					sum = sumOf(s.content)
				}
				got, err := f.Get(t.Context(), from, sum)
				if err != nil || string(got) != s.content {
					t.Errorf("got %q, %v, want %q", got, err, s.content)
				}
				if diff := cmp.Diff(want, s.asked); diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
			}
			get(test.first)
			if test.change != nil {
				test.change(s, onlyFile(t, f.Dir))
			}
			get(test.second)
			if info, err := os.Stat(onlyFile(t, f.Dir)); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the file is %v, %v", info.Mode(), err)
			}
		})
	}
}

func damage(_ *server, name string) {
	data, err := os.ReadFile(name)
	if err != nil {
		panic(err)
	}
	data[len(data)-1]++ // the content
	if err := os.WriteFile(name, data, 0o600); err != nil {
		panic(err)
	}
}

// onlyFile returns the only file of a directory.
func onlyFile(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("the directory has %v, %v", entries, err)
	}
	return filepath.Join(dir, entries[0].Name())
}

// What was fetched without a digest serves a pin later, but nothing that is pinned is taken for something else.
func TestFetcher_Get_pinnedLater(t *testing.T) {
	s := &server{content: "a", etag: `"1"`}
	from := urlOf(t, serve(t, s.ServeHTTP)+"/f")
	f := download.Fetcher{Dir: t.TempDir()}
	for _, sum := range []string{"", sumOf("a")} {
		if got, err := f.Get(t.Context(), from, sum); err != nil || string(got) != "a" {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	if len(s.asked) != 1 {
		t.Errorf("it was asked %d times", len(s.asked))
	}
	_, err := f.Get(t.Context(), from, sumOf("b"))
	var other *download.ChecksumError
	if !errors.As(err, &other) || other.Want.Encoded() != sumOf("b") || other.Got.Encoded() != sumOf("a") {
		t.Errorf("the error is %v", err)
	}
	s.content = "b"
	if got, err := f.Get(t.Context(), from, sumOf("b")); err != nil || string(got) != "b" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestFetcher_Get_errors(t *testing.T) {
	down := httptest.NewServer(nil)
	down.Close()
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		as      any
		says    string
	}{
		{"not there", http.NotFound, new(*download.StatusError), "answers with status 404 Not Found"},
		{"not modified, unasked", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) }, new(*download.StatusError), "304"},
		{"a part", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusPartialContent) }, new(*download.StatusError), "206"},
		{"too large", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, download.MaxSize+1)) }, new(*download.SizeError), "more than the 16 MB"},
		{"broken", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "2")
			_, _ = io.WriteString(w, "a")
		}, new(*download.UnreachableError), "unexpected EOF"},
		{"in a circle", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, nil, "redirects too often"},
	} {
		dir := t.TempDir()
		_, err := download.Fetcher{Dir: dir}.Get(t.Context(), urlOf(t, serve(t, test.handler)+"/f"), "")
		if err == nil || test.as != nil && !errors.As(err, test.as) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: the error is %v", test.name, err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
			t.Errorf("%s: the directory has %v, %v", test.name, entries, err)
		}
	}
}

// What is known is not used when its server does not answer, unless it is pinned.
func TestFetcher_Get_serverIsDown(t *testing.T) {
	s := &server{content: "a", etag: `"1"`}
	running := httptest.NewServer(http.HandlerFunc(s.ServeHTTP))
	from := urlOf(t, running.URL+"/f")
	f := download.Fetcher{Dir: t.TempDir()}
	if _, err := f.Get(t.Context(), from, ""); err != nil {
		t.Fatal(err)
	}
	running.Close()
	var unreachable *download.UnreachableError
	if got, err := f.Get(t.Context(), from, ""); !errors.As(err, &unreachable) || got != nil || strings.Count(err.Error(), from.String()) != 1 {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := f.Get(t.Context(), from, sumOf("a")); err != nil || string(got) != "a" {
		t.Errorf("got %q, %v", got, err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if _, err := f.Get(ctx, from, ""); err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("the error is %v", err)
	}
}

// A 304 about another version than the one that is known says nothing.
func TestFetcher_Get_otherVersion(t *testing.T) {
	content := "a"
	from := urlOf(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"`+content+`"`)
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = io.WriteString(w, content)
	})+"/f")
	f := download.Fetcher{Dir: t.TempDir()}
	for _, content = range []string{"a", "b"} {
		if got, err := f.Get(t.Context(), from, ""); err != nil || string(got) != content {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

// Credentials go to the host of the URL, and nowhere else.
func TestFetcher_Get_credentials(t *testing.T) {
	var elsewhere, own http.Header
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		elsewhere = r.Header
		w.Header().Set("ETag", `"1"`)
		_, _ = io.WriteString(w, "a")
	})
	status := 0
	host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		own = r.Header.Clone()
		own.Set("Query", r.URL.RawQuery)
		switch {
		case status != 0:
			w.WriteHeader(status)
		case r.URL.Path == "/f":
			http.Redirect(w, r, "/g", http.StatusFound)
		default:
			http.Redirect(w, r, other+"/h", http.StatusFound)
		}
	})
	from := urlOf(t, strings.Replace(host, "://", "://cook:pepper@", 1)+"/f?token=s3cret")
	f := download.Fetcher{Dir: t.TempDir()}
	for range 2 {
		if _, err := f.Get(t.Context(), from, ""); err != nil {
			t.Fatal(err)
		}
		if own.Get("Authorization") != "Basic Y29vazpwZXBwZXI=" || elsewhere.Get("Authorization") != "" || elsewhere.Get("Referer") != "" {
			t.Errorf("the host got %v, and the other one %v", own, elsewhere)
		}
		if elsewhere.Get("If-None-Match") != "" {
			t.Error("what came for one token is taken for what comes for another")
		}
	}
	name := onlyFile(t, f.Dir)
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	status = http.StatusForbidden
	_, refused := f.Get(t.Context(), from, "")
	_, other1 := f.Get(t.Context(), from, sumOf("b"))
	denying := download.Fetcher{Policy: policy.New(&spb.Policy{Rules: []*spb.Rule{{Action: spb.PolicyAction_DENY, Selector: &spb.Selector{Identifier: "*"}}}})}
	_, denied := denying.Get(t.Context(), from, "")
	gone := httptest.NewServer(nil)
	gone.Close()
	_, unreachable := f.Get(t.Context(), urlOf(t, strings.Replace(gone.URL, "://", "://cook:pepper@", 1)+"/f?token=s3cret"), "")
	for _, text := range []string{name, string(data), fmt.Sprint(refused), fmt.Sprint(other1), fmt.Sprint(denied), fmt.Sprint(unreachable)} {
		for _, secret := range []string{"cook", "pepper", "s3cret", "Y29vazpwZXBwZXI"} {
			if strings.Contains(text, secret) {
				t.Errorf("it has %q: %q", secret, text)
			}
		}
	}
	for err := unreachable; err != nil; err = errors.Unwrap(err) {
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("it wraps %v", err)
		}
	}
	var status403 *download.StatusError
	if !errors.As(refused, &status403) || status403.Code != http.StatusForbidden {
		t.Errorf("the error is %v", refused)
	}
}

func TestFetcher_Get_policy(t *testing.T) {
	var got http.Header
	to := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		_, _ = io.WriteString(w, "a")
	})
	rules := func(rule *spb.Rule) policy.Policy { return policy.New(&spb.Policy{Rules: []*spb.Rule{rule}}) }
	all := &spb.Selector{Identifier: "https://h.test/*"}
	attrs := func(attrs map[string]string) policy.Policy {
		return rules(&spb.Rule{Action: spb.PolicyAction_CONVERT, Selector: all, Updates: &spb.Update{Identifier: to + "/f", Attrs: attrs}})
	}
	from := urlOf(t, "https://cook:pepper@h.test/f")
	for _, test := range []struct {
		name   string
		policy policy.Policy
		as     any
	}{
		{"another URL", attrs(nil), nil},
		{"a digest", attrs(map[string]string{"http.checksum": "sha256:" + sumOf("a")}), nil},
		{"another digest", attrs(map[string]string{"http.checksum": "sha256:" + sumOf("b")}), new(*download.ChecksumError)},
		{"a signature", attrs(map[string]string{"http.sig.pubkey": "k", "http.sig.signature": "s"}), new(*download.UnsupportedError)},
		{"denied", rules(&spb.Rule{Action: spb.PolicyAction_DENY, Selector: all}), new(*download.DeniedError)},
	} {
		data, err := download.Fetcher{Policy: test.policy}.Get(t.Context(), from, "")
		if test.as == nil && (err != nil || string(data) != "a") || test.as != nil && !errors.As(err, test.as) {
			t.Errorf("%s: got %q, %v", test.name, data, err)
		}
	}
	if got.Get("Authorization") != "" {
		t.Errorf("another host got the credentials: %v", got)
	}
	if _, err := (download.Fetcher{Policy: attrs(map[string]string{"http.header.user-agent": "me"})}).Get(t.Context(), from, ""); err != nil || got.Get("User-Agent") != "me" {
		t.Errorf("the server got %v, %v", got, err)
	}
}

// A compressed answer is the file that was compressed, as for an engine.
func TestFetcher_Get_gzip(t *testing.T) {
	from := urlOf(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			t.Errorf("it may come as %q", r.Header.Get("Accept-Encoding"))
		}
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(gzipped(t, "a"))
	})+"/f")
	got, err := download.Fetcher{}.Get(t.Context(), from, sumOf("a"))
	if err != nil || !bytes.Equal(got, []byte("a")) {
		t.Errorf("got %q, %v", got, err)
	}
}
