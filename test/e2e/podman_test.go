package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// podman runs podman with a store of the tests' own, in which the layers that images share are unpacked once.
type podman struct{}

// store is where the images are.
func (podman) store() string { return filepath.Join(env.dir, "podman") }

func (p podman) command(args ...string) *exec.Cmd {
	return exec.Command("podman", append([]string{
		"--root", p.store(), "--runroot", filepath.Join(p.store(), "run"), "--storage-driver", "overlay",
		"--cgroup-manager", "cgroupfs", "--events-backend", "file", "--runtime", "runc",
	}, args...)...)
}

// run runs podman and returns what it prints.
func (p podman) run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := p.command(args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("podman %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// pull pulls an image of the lab's registry, unless podman has it.
func (p podman) pull(t *testing.T, reference string) {
	t.Helper()
	digest, err := image(t, reference).Digest()
	if err != nil {
		t.Fatal(err)
	}
	if have, ok := env.pulled.Load(reference); ok && have == digest {
		return
	}
	p.run(t, "pull", "--quiet", "--tls-verify=false", reference)
	env.pulled.Store(reference, digest)
}

// mount pulls an image and returns a directory with its file system, for the length of the test.
func (p podman) mount(t *testing.T, reference string) string {
	t.Helper()
	p.pull(t, reference)
	dir := p.run(t, "image", "mount", reference)
	t.Cleanup(func() { p.run(t, "image", "unmount", reference) })
	return dir
}

// storageConf writes a configuration that has every podman use the tests' store, also one that pulpimg starts.
func (p podman) storageConf(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "storage.conf")
	text := "[storage]\ndriver = \"overlay\"\ngraphroot = \"" + p.store() + "\"\nrunroot = \"" + filepath.Join(p.store(), "run") + "\"\n"
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}
