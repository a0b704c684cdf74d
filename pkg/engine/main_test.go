//go:build linux

package engine_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/pulpimg/pulpimg/pkg/engine/bundle"
)

// TestMain makes sure of what the tests need: an engine in this binary, and a
// program to run in build steps. Only root can start the engine: without root,
// there is neither. Started with a role, it is a pulpimg for a test to kill.
func TestMain(m *testing.M) {
	if role := os.Getenv(roleVar); role != "" {
		os.Exit(play(role))
	}
	// Processes inherit which signals are ignored, by nohup for one, but not which are caught: those that the tests start heed this one.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	dir, err := prepare()
	if err != nil {
		fmt.Fprintln(os.Stderr, "prepare the tests of package engine:", err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// probeVar names the folder with the probe.
const probeVar = "PULPIMG_TEST_PROBE"

func prepare() (dir string, err error) {
	if os.Geteuid() != 0 {
		return "", nil
	}
	if err := bundleEngine(); err != nil {
		return "", err
	}
	dir, err = os.MkdirTemp("", "pulpimg-probe-")
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "probe"), "./testdata/probe")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("%w\n%s", err, out)
	}
	return dir, os.Setenv(probeVar, dir)
}

// bundleEngine brings the embedded programs up to date. If that changes what this
// binary should carry, it is compiled anew and run in this one's place.
func bundleEngine() error {
	build := exec.Command("go", "run", "./bundle/build", "-dir", "bundle")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		return err
	}
	manifest, err := os.ReadFile(filepath.Join("bundle", "bin", runtime.GOARCH, bundle.ManifestName))
	if err != nil {
		return err
	}
	if b, err := bundle.Load(); err == nil && b.IsOf(manifest) {
		return nil
	}
	self := filepath.Join(os.TempDir(), fmt.Sprintf("pulpimg-engine-%d.test", os.Getpid()))
	if err := compileTests(context.Background(), self, ""); err != nil {
		return err
	}
	f, err := os.Open(self)
	if err != nil {
		return err
	}
	os.Remove(self)
	return syscall.Exec(fmt.Sprintf("/proc/self/fd/%d", reopen(f)), os.Args, os.Environ())
}

// reopen returns a descriptor of the file that stays open across exec.
func reopen(f *os.File) int {
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		panic(err)
	}
	return fd
}

// compileTests makes a test binary of this package, with files replaced as the overlay file says.
func compileTests(ctx context.Context, output, overlay string) error {
	args := []string{"test", "-c", "-o", output}
	if raceEnabled {
		args = append(args, "-race")
	}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	if out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("compile the tests: %w\n%s", err, out)
	}
	return nil
}
