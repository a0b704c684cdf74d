package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// aloneSpec needs no registry, and an engine that can run something.
const aloneSpec = `
version: 1
name: alone
registry: docker.io/lab
tag: "1"
images:
  alone:
    from: scratch
    steps:
      - files: { from: report, to: /report }
      - run: { command: [/report] }
`

// `make image` makes an image in which pulpimg works: it checks a spec without any rights, and builds on its own engine or on another one.
func TestOwnImage(t *testing.T) {
	env.lanes.warm.enter(t)
	place := registry(t)
	policy := policyWith(t, map[string]string{"docker.io/library/debian:12-slim": pushDebian(t)})
	cmd := exec.Command("make", "-s", "-C", env.root, "image", "VERSION=1.2.3-test", "IMAGE=--push --registry "+place+" --source-policy "+policy)
	cmd.Env = append(append(os.Environ(), warm().environ()...), "MAKEFLAGS=", // a make above this one has flags that are not meant for this one
		"GOCACHE="+goEnv(t, "GOCACHE"), "GOMODCACHE="+goEnv(t, "GOMODCACHE"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}

	image := place + "/pulpimg:1.2.3-test"
	podman{}.pull(t, image)
	program, err := reporter()
	if err != nil {
		t.Fatal(err)
	}
	work := filepath.Dir(specFile(t, aloneSpec, map[string]string{"report": program}))
	run := func(options []string, args ...string) string {
		t.Helper()
		name := fmt.Sprintf("pulpimg-e2e-%d-%d", os.Getpid(), containers.Add(1))
		defer eventually(t, "podman has removed the container", func() bool { return len(processes(name)) == 0 })
		return podman{}.run(t, append(append([]string{"run", "--rm", "--name", name, "--network", "host", "--ulimit", "nofile=1024:20000",
			"--ulimit", "nproc=1024:1024", "--volume", work + ":/work"}, append(options, image)...), args...)...)
	}
	if got := run(nil, "version"); !strings.HasPrefix(got, "pulpimg version ") {
		t.Errorf("pulpimg version says %q", got)
	}
	if got, want := run([]string{"--user", "65532:65532"}, "validate"), "pulpimg.yaml: 1 image, no mistakes"; got != want {
		t.Errorf("pulpimg validate says %q, want %q", got, want)
	}
	socket := strings.TrimPrefix(startEngine(t), "unix://")
	for name, options := range map[string][]string{
		"the engine inside": {"--privileged"},
		"an engine outside": {"--volume", filepath.Dir(socket) + ":/engine", "--env", "BUILDKIT_HOST=unix:///engine/" + filepath.Base(socket)},
	} {
		got := run(options, "build")
		if !strings.Contains(got, "\nalone ") {
			t.Errorf("pulpimg build on %s says\n%s", name, got)
		}
	}
	run([]string{"--entrypoint", "/bin/sh"}, "-c", "grep -q BEGIN /etc/ssl/certs/ca-certificates.crt")
}
