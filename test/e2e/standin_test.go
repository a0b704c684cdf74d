package e2e

import (
	"compress/gzip"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// pushStandIn publishes what takes the place of a public image: the lab's base with an environment, and with what tar archives.
func pushStandIn(t *testing.T, named string, vars []string, archived ...string) (reference string) {
	t.Helper()
	archive := filepath.Join(t.TempDir(), "layer.tar")
	root(t, "tar", append([]string{"--create", "--file", archive}, archived...)...)
	layer, err := tarball.LayerFromFile(archive, tarball.WithCompressionLevel(gzip.BestSpeed))
	if err != nil {
		t.Fatal(err)
	}
	img := image(t, env.lab.Registry+"/fedora:20")
	c := config(t, img).Config
	c.Env = append(c.Env, vars...)
	if img, err = mutate.Config(img, c); err == nil {
		img, err = mutate.AppendLayers(img, layer)
	}
	if err != nil {
		t.Fatal(err)
	}
	reference = registry(t) + "/" + named + ":1"
	to, err := name.ParseReference(reference)
	if err == nil {
		err = remote.Write(to, img)
	}
	if err != nil {
		t.Fatal(err)
	}
	return reference
}

// withLibraries returns programs of this machine, and the libraries that they are linked with, as tar archives them.
func withLibraries(t *testing.T, programs ...string) []string {
	t.Helper()
	paths := slices.Clone(programs)
	for _, program := range programs {
		listed, err := exec.Command("ldd", program).Output()
		if err != nil {
			t.Fatalf("ldd %s: %v", program, err)
		}
		for line := range strings.Lines(string(listed)) {
			fields := strings.Fields(line) // libz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x00007f8c35608000)
			if len(fields) < 3 || fields[1] != "=>" {
				continue
			}
			dir, err := filepath.EvalSymlinks(filepath.Dir(fields[2])) // /lib is a link
			if err != nil {
				t.Fatal(err)
			}
			link := filepath.Join(dir, filepath.Base(fields[2]))
			file, err := filepath.EvalSymlinks(link)
			if err != nil {
				t.Fatal(err)
			}
			paths = append(paths, link, file)
		}
	}
	slices.Sort(paths)
	archived := []string{"--directory=/"}
	for _, path := range slices.Compact(paths) {
		archived = append(archived, strings.TrimPrefix(path, "/"))
	}
	return archived
}

// pushGo publishes what stands in for the image golang: this machine's Go, without its tests and its own commands' source.
func pushGo(t *testing.T) (reference string) {
	t.Helper()
	return pushStandIn(t, "golang", []string{"PATH=/usr/local/go/bin:/usr/bin:/bin", "GOPATH=/go", "GOTOOLCHAIN=local"},
		"--directory="+goEnv(t, "GOROOT"), "--transform=s,^\\.,usr/local/go,S",
		"--exclude=testdata", "--exclude=*_test.go", "--exclude=./test", "--exclude=./api", "--exclude=./doc", "--exclude=./src/cmd", ".")
}

// goEnv returns a setting of this machine's Go.
func goEnv(t *testing.T, setting string) string {
	t.Helper()
	out, err := exec.Command("go", "env", setting).Output()
	if err != nil {
		t.Fatalf("go env %s: %v", setting, err)
	}
	return strings.TrimSpace(string(out))
}

// modules serves a module's dependencies, which this machine's Go fetches as it is set up to, and returns a value for GOPROXY.
func modules(t *testing.T, dir string) string {
	t.Helper()
	if err := tool(dir, "go", "mod", "download"); err != nil {
		t.Fatal(err)
	}
	// The cache is laid out as the protocol wants it: https://go.dev/ref/mod#module-cache
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(goEnv(t, "GOMODCACHE"), "cache", "download"))))
	t.Cleanup(server.Close)
	return server.URL
}

// pushNode publishes what stands in for the image node: this machine's Node.js and npm, which Debian and others put into other places.
func pushNode(t *testing.T) (reference string) {
	t.Helper()
	archived := append(withLibraries(t, "/usr/bin/node"), "usr/bin/npm")
	for _, place := range []string{"usr/lib/node_modules/npm", "usr/share/nodejs"} {
		if _, err := os.Stat("/" + place); err == nil {
			archived = append(archived, place)
		}
	}
	return pushStandIn(t, "node", nil, archived...)
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

// pushNginx publishes what stands in for the image nginx: this machine's.
func pushNginx(t *testing.T) (reference string) {
	t.Helper()
	return pushStandIn(t, "nginx", nil, append(withLibraries(t, "/usr/sbin/nginx"), "etc/nginx/mime.types")...)
}

// pushPython publishes what stands in for the image python: the lab's base with all of Debian's Python. Its pip finds what Debian has of
// some projects, and of what they need, instead of asking a registry.
func pushPython(t *testing.T, packages ...string) (reference string) {
	t.Helper()
	dir := t.TempDir()
	if err := errors.Join(
		os.MkdirAll(filepath.Join(dir, "srv", "wheels"), 0o755),
		os.Mkdir(filepath.Join(dir, "etc"), 0o755),
		os.WriteFile(filepath.Join(dir, "etc", "pip.conf"), []byte("[global]\nno-index = true\nfind-links = /srv/wheels\n"), 0o644),
	); err != nil {
		t.Fatal(err)
	}
	root(t, "/usr/bin/python3", append([]string{"testdata/wheels.py", filepath.Join(dir, "srv", "wheels")}, packages...)...)
	return pushStandIn(t, "python", nil, "--directory=/", "usr/lib/python3.11/ensurepip", "usr/share/python-wheels",
		"--directory="+dir, "srv/wheels", "etc/pip.conf")
}

// pushDebian publishes what stands in for the image debian: the lab's base, with the lab's packages for apt.
func pushDebian(t *testing.T) (reference string) {
	t.Helper()
	dir := t.TempDir()
	list := "etc/apt/sources.list.d/lab.list"
	if err := errors.Join(
		os.MkdirAll(filepath.Join(dir, filepath.Dir(list)), 0o755),
		os.WriteFile(filepath.Join(dir, list), []byte("deb [trusted=yes] "+env.lab.RepoURL+"/apt ./\n"), 0o644),
	); err != nil {
		t.Fatal(err)
	}
	return pushStandIn(t, "debian", nil, "--directory="+dir, list)
}
