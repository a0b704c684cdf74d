package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/pulpimg/pulpimg/test/inlab"
)

// A program is pulpimg with a cache directory.
type program struct {
	cache string
	env   []string // besides what every program gets
}

// warm returns the program with the cache that most tests share.
func warm() program { return program{cache: filepath.Join(env.dir, "cache")} }

// cold returns the program with an empty cache of its own.
func cold(t *testing.T) program {
	t.Helper()
	return program{cache: filepath.Join(t.TempDir(), "cache")}
}

// with returns the program with more in its environment.
func (p program) with(vars ...string) program {
	p.env = append(p.env[:len(p.env):len(p.env)], vars...)
	return p
}

// environ is what a program gets to see of the machine.
func (p program) environ() []string {
	return append([]string{
		"PATH=" + env.bin + ":" + os.Getenv("PATH"),
		"HOME=" + filepath.Join(env.dir, "home"),
		"XDG_CACHE_HOME=" + p.cache,
	}, p.env...)
}

// A process is a pulpimg that runs.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr locked
}

// locked is a buffer that is read while it is written.
type locked struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// start starts pulpimg. The test has to wait for it.
func (p program) start(t *testing.T, args ...string) *process {
	t.Helper()
	if err := inlab.Watch(); err != nil {
		t.Fatal(err)
	}
	s := &process{cmd: exec.Command(filepath.Join(env.bin, "pulpimg"), args...)}
	s.cmd.Env = p.environ()
	s.cmd.Stdout, s.cmd.Stderr = &s.stdout, &s.stderr
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill() }) // of a test that failed before it waited
	return s
}

// An outcome is what became of a pulpimg that ended.
type outcome struct {
	args           []string
	stdout, stderr string
	code           int // -1 when a signal ended it
}

func (s *process) wait(t *testing.T) outcome {
	t.Helper()
	var exit *exec.ExitError
	if err := s.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{s.cmd.Args[1:], s.stdout.String(), s.stderr.String(), s.cmd.ProcessState.ExitCode()}
}

// run runs pulpimg to its end.
func (p program) run(t *testing.T, args ...string) outcome {
	t.Helper()
	return p.start(t, args...).wait(t)
}

// build builds under the lab's policy.
func (p program) build(t *testing.T, args ...string) outcome {
	t.Helper()
	return p.run(t, append([]string{"build", "--source-policy", env.lab.Policy}, args...)...)
}

// ok fails the test when the program failed.
func (o outcome) ok(t *testing.T) outcome {
	t.Helper()
	if o.code != 0 {
		t.Fatalf("pulpimg %s: exit code %d\n%s%s", strings.Join(o.args, " "), o.code, o.stdout, o.stderr)
	}
	return o
}

// fails fails the test when the program did not fail in this way: with the exit code, with nothing on its standard output, and with
// each of the patterns on its standard error.
func (o outcome) fails(t *testing.T, code int, patterns ...string) {
	t.Helper()
	if o.code != code {
		t.Errorf("pulpimg %s: exit code %d, want %d\n%s%s", strings.Join(o.args, " "), o.code, code, o.stdout, o.stderr)
	}
	if o.stdout != "" {
		t.Errorf("it failed and printed a result:\n%s", o.stdout)
	}
	for _, pattern := range patterns {
		if !regexp.MustCompile(pattern).MatchString(o.stderr) {
			t.Errorf("the message lacks %q:\n%s", pattern, o.stderr)
		}
	}
}

// registry returns a place in the lab's registry that no other test uses.
func registry(t *testing.T) string {
	t.Helper()
	return env.lab.Registry + env.place + "/" + strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-"))
}

// specFile writes a spec, with the files that it needs, into a directory of its own and returns its path.
func specFile(t *testing.T, text string, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(dir, "pulpimg.yaml")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// filesSpec needs no engine that could run anything.
const filesSpec = `
version: 1
name: files
registry: docker.io/lab
tag: "1"
variables:
  base: {}
images:
  plain:
    from: "${{ base }}"
    steps:
      - files: { from: hello, to: /lib/greeting/hello }
  helped:
    from: plain
    steps:
      - helpers: [config, wait]
`

var filesOfSpec = map[string]string{"hello": "hello\n"}
