package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// policyFor writes the lab's source policy with one more rule: a base that specs name is the lab's, which has Python, apt and dnf.
func policyFor(t *testing.T, base string) string {
	t.Helper()
	return policyWith(t, map[string]string{base: env.lab.Registry + "/fedora:20"})
}

// policyWith writes the lab's source policy with more rules: for each image that specs name, the reference of the one in its place.
func policyWith(t *testing.T, standIns map[string]string) string {
	t.Helper()
	data, err := os.ReadFile(env.lab.Policy)
	if err != nil {
		t.Fatal(err)
	}
	var policy map[string]any
	if err := json.Unmarshal(data, &policy); err != nil {
		t.Fatal(err)
	}
	rules := policy["rules"].([]any)
	for named, standIn := range standIns {
		rules = append([]any{map[string]any{
			"action":   "CONVERT",
			"selector": map[string]any{"identifier": "docker-image://" + named},
			"updates":  map[string]any{"identifier": "docker-image://" + standIn},
		}}, rules...)
	}
	policy["rules"] = rules
	if data, err = json.Marshal(policy); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// freePort returns a port that nothing listens at.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port := split(t, l.Addr().String())
	return port
}

// redis starts an empty server for the length of the test and returns its port.
func redis(t *testing.T) string {
	t.Helper()
	return redisAt(t, "127.0.0.1")
}

// redisAt is redis at another address.
func redisAt(t *testing.T, address string) string {
	t.Helper()
	port := freePort(t)
	cmd := exec.CommandContext(t.Context(), "redis-server", "--bind", address, "--port", port, "--protected-mode", "no", "--save", "", "--dir", t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // the context of the test has ended it
	return port
}

// fetch returns what a server answers.
func fetch(t *testing.T, method, url, body string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// example copies one of the examples into a folder of the test's own.
func example(t *testing.T, name string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(env.root, "examples", name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// pushGuestbook publishes the guestbook in a folder.
func pushGuestbook(t *testing.T, dir, place string) {
	t.Helper()
	warm().run(t, "build", "-f", filepath.Join(dir, "pulpimg.yaml"), "--source-policy", policyFor(t, "docker.io/library/python:3.12-slim"), "--push", "--registry", place).ok(t)
}

func TestExample_guestbook(t *testing.T) {
	pushGuestbook(t, example(t, "guestbook"), registry(t))

	web := freePort(t)
	store := []string{"--env", "REDIS_HOST=127.0.0.1", "--env", "REDIS_PORT=" + redis(t)}
	server := podman{}.detach(t, registry(t)+"/guestbook-web:1.0", append(store, "--env", "PORT="+web, "--env", "GREETING=Hi")...)
	worker := podman{}.detach(t, registry(t)+"/guestbook-worker:1.0", store...)
	server.says(t, "listening on port "+web)
	worker.says(t, "waiting for entries")
	if got := fetch(t, http.MethodPost, "http://127.0.0.1:"+web, "nice images"); got != "thank you\n" {
		t.Errorf("the server answers %q", got)
	}
	worker.says(t, "added an entry")
	if got, want := fetch(t, http.MethodGet, "http://127.0.0.1:"+web, ""), "Hi\nNICE IMAGES\n"; got != want {
		t.Errorf("the guestbook has %q, want %q", got, want)
	}
	if got := server.exec(t, "id", "-un"); got != "root" { // the container's user; the process is somebody else
		t.Errorf("podman exec runs as %s", got)
	}
	if got := server.exec(t, "stat", "-c", "%U", "/proc/1"); got != "nobody" {
		t.Errorf("the server runs as %s", got)
	}
}

// pushClock compiles the clock in a folder, and publishes it.
func pushClock(t *testing.T, dir, place string) {
	t.Helper()
	compile := exec.CommandContext(t.Context(), "go", "build", "-C", dir, "-o", "bin/", "./cmd/...")
	compile.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", compile.Args, err, out)
	}
	warm().build(t, "-f", filepath.Join(dir, "pulpimg.yaml"), "--push", "--registry", place).ok(t)
}

func TestExample_clock(t *testing.T) {
	pushClock(t, example(t, "clock"), registry(t))
	port := freePort(t)
	podman{}.pull(t, registry(t)+"/clock-server:1.0")
	podman{}.pull(t, registry(t)+"/clock-client:1.0")
	server := podman{}.command("run", "--rm", "--network", "host", "--ulimit", "nofile=1024:20000", "--ulimit", "nproc=1024:1024",
		registry(t)+"/clock-server:1.0", "-listen", "127.0.0.1:"+port)
	var said bytes.Buffer
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(os.Interrupt)
		_ = server.Wait()
	})
	got := podman{}.run(t, "run", "--rm", "--network", "host", "--ulimit", "nofile=1024:20000", "--ulimit", "nproc=1024:1024",
		registry(t)+"/clock-client:1.0", "http://127.0.0.1:"+port)
	var hour, minute int
	if _, err := fmt.Sscanf(got, "It is %d:%d", &hour, &minute); err != nil {
		t.Errorf("the client says %q, the server\n%s", got, said.String())
	}
}
