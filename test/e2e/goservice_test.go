package e2e

import (
	"bytes"
	"debug/elf"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// seedSpec puts into the cache of go-service what this machine has compiled: families of the same name share it.
const seedSpec = `
version: 1
name: go-service
registry: docker.io/lab
tag: "1"
images:
  seed:
    from: docker.io/library/golang:1.26
    steps:
      - run:
          script: cp -r /seed/. .
          workdir: /root/.cache/go-build
          mounts: [{ from: cache, to: /seed }]
          cache: [/root/.cache/go-build]
`

// seed compiles the services' dependencies, of which Go's library for two platforms takes a minute, and keeps them with what else the lab has made.
func seed(t *testing.T, dir, policy string) {
	t.Helper()
	place := filepath.Join(os.Getenv("LAB_DIR"), "go-service")
	for _, arch := range []string{"amd64", "arm64"} {
		compile := exec.Command("go", "build", "-C", dir, "-trimpath", "./cmd/...")
		compile.Env = append(os.Environ(), "GOCACHE="+filepath.Join(place, "cache"), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0")
		if out, err := compile.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", compile.Args, err, out)
		}
	}
	spec := filepath.Join(place, "pulpimg.yaml")
	if err := os.WriteFile(spec, []byte(seedSpec), 0o644); err != nil {
		t.Fatal(err)
	}
	warm().run(t, "build", "-f", spec, "--source-policy", policy).ok(t)
}

// pushGoService publishes the services in a folder, for two platforms.
func pushGoService(t *testing.T, dir, place string) {
	t.Helper()
	policy := policyWith(t, map[string]string{"docker.io/library/golang:1.26": pushGo(t)})
	seed(t, dir, policy)
	build := []string{"build", "-f", filepath.Join(dir, "pulpimg.yaml"), "--source-policy", policy, "--set", "goproxy=" + modules(t, dir), "--platform", "linux/amd64,linux/arm64", "--push", "--registry", place}
	warm().run(t, build...).ok(t)
}

// Two images for two platforms come of one builder, which runs on this machine's. There is nothing that could run programs of the other.
func TestExample_goService(t *testing.T) {
	env.lanes.warm.enter(t)
	dir, place := example(t, "go-service"), registry(t)
	pushGoService(t, dir, place)

	warm().run(t, "dockerfile", "-f", filepath.Join(dir, "pulpimg.yaml")).ok(t) // other tools can build it too
	gateway := index(t, place+"/gateway:1.0")
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		img := forArch(t, gateway, arch)
		list := layers(t, img)
		if len(list) != 1 {
			t.Errorf("the image for %s has %d layers, want only that of the program", arch, len(list))
		}
		program, err := elf.NewFile(bytes.NewReader(file(t, list[0], "/usr/bin/gateway")))
		if err != nil {
			t.Fatal(err)
		}
		if program.Machine != machine {
			t.Errorf("the program of the image for %s is for %s", arch, program.Machine)
		}
		if c := config(t, img); c.Architecture != arch || c.Config.User != "65532:65532" {
			t.Errorf("the image for %s says that it is for %s, and runs as %q", arch, c.Architecture, c.Config.User)
		}
	}

	api, front := freePort(t), freePort(t)
	backend := podman{}.detach(t, place+"/api:1.0", "--env", "LISTEN=127.0.0.1:"+api)
	server := podman{}.detach(t, place+"/gateway:1.0", "--env", "LISTEN=127.0.0.1:"+front, "--env", "BACKEND=http://127.0.0.1:"+api)
	backend.says(t, "listening on 127.0.0.1:"+api)
	server.says(t, "listening on 127.0.0.1:"+front)
	if got, want := fetch(t, http.MethodGet, "http://127.0.0.1:"+front, ""), "Hello from linux/amd64\n"; got != want {
		t.Errorf("the gateway answers %q, want %q", got, want)
	}
	server.exec(t, "/usr/bin/gateway", "-check")
	if code := server.stop(t); code != 0 {
		t.Errorf("the gateway ends with exit code %d", code)
	}
}
