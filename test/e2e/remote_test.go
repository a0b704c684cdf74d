package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// startEngine runs a buildkitd that is not pulpimg's own and returns its address.
func startEngine(t *testing.T) string {
	t.Helper()
	warm().build(t, "-f", largeSpec(t)).ok(t) // it runs a command, so that the programs are unpacked
	found, err := filepath.Glob(filepath.Join(warm().cache, "pulpimg", "engine", "bin-*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("the programs of the engine are in %v (%v), want one directory", found, err)
	}
	dir := t.TempDir()
	socket := filepath.Join(dir, "sock")
	var log strings.Builder
	cmd := exec.Command(filepath.Join(found[0], "buildkitd"), "--root", filepath.Join(dir, "state"), "--addr", "unix://"+socket,
		"--oci-worker-binary", filepath.Join(found[0], "runc"))
	cmd.Env = append(os.Environ(), "PATH="+found[0]+":"+os.Getenv("PATH"))
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // how it ends is none of the test's business
		if t.Failed() {
			t.Logf("the engine's log:\n%s", log.String())
		}
	})
	eventually(t, "the engine listens", func() bool {
		_, err := os.Stat(socket)
		return err == nil
	})
	return "unix://" + socket
}

// A remote engine builds the same images.
func TestBuild_remoteEngine(t *testing.T) {
	env.lanes.warm.enter(t)
	address := startEngine(t)
	args := []string{"-f", specFile(t, filesSpec, filesOfSpec), "--set", "base=" + env.lab.Registry + "/files:1", "--registry", registry(t), "--format", "json"}
	embedded := cold(t).build(t, args...).result(t)
	flagged := cold(t).build(t, append(args, "--engine", address)...).result(t)
	named := cold(t).with("BUILDKIT_HOST="+address).build(t, args...).result(t)
	if diff := cmp.Diff(embedded, flagged); diff != "" {
		t.Errorf("results (-embedded +--engine):\n%s", diff)
	}
	if diff := cmp.Diff(embedded, named); diff != "" {
		t.Errorf("results (-embedded +BUILDKIT_HOST):\n%s", diff)
	}
}
