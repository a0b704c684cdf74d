package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// sleepSpec runs a step that does not end by itself within a test. The number of seconds finds its process.
func sleepSpec(t *testing.T, seconds string) string {
	t.Helper()
	return specFile(t, fmt.Sprintf(`
version: 1
name: sleep
registry: docker.io/lab
tag: "1"
images:
  sleep:
    from: docker.io/library/fedora:20
    steps:
      - run: sleep %s
`, seconds), nil)
}

// startSleeping starts a build and returns when its long step runs.
func startSleeping(t *testing.T, p program, seconds string) *process {
	t.Helper()
	running := p.start(t, "build", "-f", sleepSpec(t, seconds), "--source-policy", env.lab.Policy, "--progress", "plain")
	eventually(t, "the long step runs; so far:\n"+running.stderr.String(), func() bool {
		return len(processes("sleep "+seconds)) > 0
	})
	return running
}

// A signal ends the build and its steps and the engine.
func TestBuild_signal(t *testing.T) {
	for _, c := range []struct {
		signal  syscall.Signal
		seconds string
		code    int
		message string
	}{
		{syscall.SIGINT, "86401.25", 130, "pulpimg: ended by SIGINT\n"},
		{syscall.SIGTERM, "86402.25", 143, "pulpimg: ended by SIGTERM\n"},
	} {
		t.Run(c.signal.String(), func(t *testing.T) {
			p := warm()
			running := startSleeping(t, p, c.seconds)
			if err := running.cmd.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			out := running.wait(t)
			// Now, not some time later: whoever started pulpimg relies on it.
			nothingRuns(t, p.cache)
			nothingRuns(t, "sleep "+c.seconds)
			out.fails(t, c.code)
			if !strings.HasSuffix(out.stderr, c.message) {
				t.Errorf("the last words are not %q:\n%s", c.message, out.stderr)
			}
		})
	}
}

// The engine ends when pulpimg is killed.
func TestBuild_killed(t *testing.T) {
	p := warm()
	const seconds = "86403.25"
	running := startSleeping(t, p, seconds)
	if err := running.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	running.wait(t)
	eventually(t, "all processes of the engine are gone", func() bool {
		return len(processes(p.cache)) == 0 && len(processes("sleep "+seconds)) == 0
	})
	nothingRuns(t, p.cache)
	// What it left is no hindrance.
	warm().build(t, "-f", specFile(t, stampSpec, nil), "--registry", registry(t)).ok(t)
}

// A second pulpimg builds on the engine of the first, and does not wait for its build. The engine ends with the last of them.
func TestBuild_sharesTheEngine(t *testing.T) {
	spec := specFile(t, filesSpec, filesOfSpec)
	first := startSleeping(t, warm(), "86404.25")
	second := warm().run(t, "build", "-f", spec, "--set", "base="+env.lab.Registry+"/files:1", "--registry", registry(t), "--source-policy", env.lab.Policy).ok(t)
	if strings.Contains(second.stderr, "waiting") {
		t.Errorf("the second says\n%s", second.stderr)
	}
	if len(processes("sleep 86404.25")) == 0 {
		t.Error("the first build has ended, so this shows nothing")
	}
	if err := first.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	first.wait(t)
	nothingRuns(t, warm().cache)
}

// Two builds of one spec at once on an empty cache both succeed.
func TestBuild_twoAtOnceOnAnEmptyCache(t *testing.T) {
	spec := specFile(t, filesSpec, filesOfSpec)
	p := cold(t)
	var running []*process
	for range 2 {
		running = append(running, p.start(t, "build", "-f", spec, "--set", "base=scratch", "--source-policy", env.lab.Policy, "--registry", registry(t), "--push", "--format", "json"))
	}
	one, other := running[0].wait(t).result(t), running[1].wait(t).result(t)
	if one.Images[1].Digest != other.Images[1].Digest {
		t.Errorf("they built %s and %s", one.Images[1].Digest, other.Images[1].Digest)
	}
	nothingRuns(t, p.cache)
}

func TestBuild_leavesNoProcess(t *testing.T) {
	env.lanes.warm.enter(t)
	p := warm()
	p.build(t, "-f", specFile(t, stampSpec, nil), "--registry", registry(t)).ok(t)
	nothingRuns(t, p.cache)
	p.build(t, "-f", specFile(t, strings.ReplaceAll(stampSpec, "/copy", "/no/such/directory/copy"), nil), "--registry", registry(t)).fails(t, 1)
	nothingRuns(t, p.cache)
}

// The error names the full disk, and nothing is left running.
func TestBuild_fullDisk(t *testing.T) {
	for _, c := range []struct{ name, size, message string }{
		{"for the engine", "4m", `(?s)unpacking the engine .*: no space left on device.*hint: free some space`},
		{"for the base image", "200m", `(?s)no space left on device.*hint: free some`},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "small")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Mount("none", dir, "tmpfs", 0, "size="+c.size); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := syscall.Unmount(dir, 0); err != nil {
					t.Errorf("something holds the full disk: %v", err)
				}
			})
			place := registry(t)
			program{cache: dir}.build(t, "-f", specFile(t, stampSpec, nil), "--registry", place, "--push").fails(t, 1, c.message)
			absent(t, place+"/stamp:1")
			if left := processes(dir); len(left) > 0 {
				t.Errorf("processes are left: %v", left)
			}
		})
	}
}
