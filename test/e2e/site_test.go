package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pushSite publishes the site in a folder.
func pushSite(t *testing.T, dir, place string) {
	t.Helper()
	standIns := map[string]string{"docker.io/library/node:22-slim": pushNode(t), "docker.io/library/nginx:1.28": pushNginx(t)}
	warm().run(t, "build", "-f", filepath.Join(dir, "pulpimg.yaml"), "--source-policy", policyWith(t, standIns),
		"--set", "npm="+npmRegistry(t), "--push", "--registry", place).ok(t)
}

// npm builds the site, and nginx serves it as a user without rights, with nothing of Node.js in the image.
func TestExample_site(t *testing.T) {
	env.lanes.warm.enter(t)
	dir := example(t, "site")
	port := freePort(t) // the container shares the machine's network, where 8080 may be taken
	replaceIn(t, filepath.Join(dir, "nginx.conf"), "listen 8080;", "listen 127.0.0.1:"+port+";")
	place := registry(t)
	pushSite(t, dir, place)

	warm().run(t, "dockerfile", "-f", filepath.Join(dir, "pulpimg.yaml")).ok(t) // other tools can build it too
	server := podman{}.detach(t, place+"/site:1.0")
	server.says(t, "start worker process")
	for path, want := range map[string]string{"/": `<h1>Hello</h1>`, "/main.js": `"Good morning"`, "/main.css": "font-family:sans-serif"} {
		if got := fetch(t, http.MethodGet, "http://127.0.0.1:"+port+path, ""); !strings.Contains(got, want) {
			t.Errorf("the answer to %s lacks %q:\n%s", path, want, got)
		}
	}
	if got := server.exec(t, "stat", "-c", "%u", "/proc/1"); got != "65532" {
		t.Errorf("nginx runs as %s", got)
	}
	if got := server.exec(t, "sh", "-c", "command -v node || echo none"); got != "none" {
		t.Errorf("the image has %s", got)
	}
	if code := server.stop(t); code != 0 {
		t.Errorf("nginx ends with exit code %d", code)
	}
}

// replaceIn replaces a text that a file has once.
func replaceIn(t *testing.T, file, old, replacement string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), old); n != 1 {
		t.Fatalf("%s has %q %d times, want once", file, old, n)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), old, replacement)), 0o644); err != nil {
		t.Fatal(err)
	}
}
