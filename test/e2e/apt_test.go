package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"strings"
	"sync/atomic"
	"testing"
)

const aptSpec = `
version: 1
name: apt
registry: docker.io/lab
tag: "1"
variables: { url: {} }
images:
  base:
    from: docker.io/library/fedora:20
    steps:
      - run: echo "deb [trusted=yes] ${{ url }}/apt ./" > /etc/apt/sources.list
  first: { from: base, steps: [ { apt: { packages: [lab-tool] } } ] }
  second: { from: base, steps: [ { apt: { packages: [lab-mail] } } ] }
`

// Packages are there all the time; the repository's index is not.
func TestApt_staleIndex(t *testing.T) {
	env.lanes.warm.enter(t)
	lab, err := url.Parse(env.lab.RepoURL)
	if err != nil {
		t.Fatal(err)
	}
	var down atomic.Bool
	proxy := httputil.NewSingleHostReverseProxy(lab)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() && path.Ext(r.URL.Path) != ".deb" {
			http.Error(w, "the index is being made", http.StatusServiceUnavailable)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	spec := specFile(t, aptSpec, nil)
	warm().build(t, "-f", spec, "--set", "url="+server.URL, "first").ok(t)
	down.Store(true)
	r := warm().build(t, "-f", spec, "--set", "url="+server.URL, "second")
	if r.code != 1 || !strings.Contains(r.stderr, "apt-get update did not get every index") {
		t.Errorf("exit code %d, want 1 and a message about the index:\n%s", r.code, r.stderr)
	}
}
