package cluster

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// npm builds the site, and nginx serves it. A new version takes the place of the old one without an error for a visitor.
func TestExample_site(t *testing.T) {
	n := newNamespace(t, "site")
	spec, place := example(t, "site"), env.place+"/site"
	policy := policyWith(t, map[string]string{
		"docker.io/library/node:22-slim": pushRoot(t, "node", "", []string{"/usr/bin/node"}, existing("/usr/lib/node_modules/npm", "/usr/share/nodejs"), linkNPM(t)),
		"docker.io/library/nginx:1.28":   pushRoot(t, "nginx", "", []string{"/usr/sbin/nginx"}, []string{"/etc/nginx/mime.types"}, nil),
	})
	npm := npmRegistry(t)
	objects := func() string {
		pulpimg(t, "build", "-f", spec, "--source-policy", policy, "--set", "npm="+npm, "--push", "--registry", place)
		return manifests(t, spec, "--registry", place)
	}
	ready := n.apply(t, objects())
	page := "http://" + n.address(t, "site") + "/"
	// Where a Service leads is known a moment after its pods are ready.
	var old string
	answered := eventually(t, "nginx answers", time.Minute, func() bool {
		var err error
		old, err = n.ask(env.ctx, http.MethodGet, page, "")
		return err == nil
	})
	if !strings.Contains(old, "<h1>Hello</h1>") {
		t.Fatalf("the page is %q", old)
	}
	replaceIn(t, filepath.Join(filepath.Dir(spec), "src/index.html"), "<h1>Hello</h1>", "<h1>Hello again</h1>")
	replaceIn(t, spec, `tag: "1.0"`, `tag: "1.1"`)
	second := objects()
	upgraded := visited(t, n, page, old, func() string { return n.apply(t, second) })
	env.rows = append(env.rows, row{"examples/site", ready, "nginx answered " + answered + " after that\nto tag 1.1: " + upgraded})
}

// existing returns those of the paths that this machine has: Debian's npm is elsewhere than others'.
func existing(paths ...string) []string {
	var out []string
	for _, path := range paths {
		if _, err := os.Stat(path); err == nil {
			out = append(out, path)
		}
	}
	return out
}

// linkNPM keeps npm a link: it looks for its modules beside where it leads.
func linkNPM(t *testing.T) func(root string) {
	return func(root string) {
		tool(t, "cp", "--no-dereference", "--force", "/usr/bin/npm", filepath.Join(root, "usr/bin/npm"))
	}
}

// npmRegistry passes on to the registry that this machine's npm is set up to use, and returns its address.
func npmRegistry(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("npm", "config", "get", "registry").Output()
	if err != nil {
		t.Fatalf("npm config get registry: %v", err)
	}
	to, err := url.Parse(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }})
	t.Cleanup(server.Close)
	return server.URL + "/"
}
