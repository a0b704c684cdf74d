package waiting

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// helper is the program to test.
var helper string

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "waiting:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "pulpimg-waiting-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if os.Getenv("LAB_AMQP") == "" {
		return runInLab(filepath.Join(dir, "lab"))
	}
	if err := watchSources("../.."); err != nil {
		return 0, err
	}
	if out, err := exec.Command("make", "-C", "../..", "setup").CombinedOutput(); err != nil { // the servers that Debian has
		return 0, fmt.Errorf("make setup: %w\n%s", err, out)
	}
	helper = filepath.Join(dir, "pulp-helper")
	if err := build("../..", helper, "./cmd/pulp-helper"); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// watchSources looks at all that the program and the lab are made of. `go test` keeps a result for as long as the files that a test looked at are
// the same, and cannot know of those that the compiler reads.
func watchSources(root string) error {
	for _, dir := range []string{"cmd/pulp-helper", "pkg", "test/lab", "go.mod", "go.sum"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(name string, _ fs.DirEntry, err error) error {
			if err == nil {
				_, err = os.Stat(name)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// runInLab runs these tests again, in a lab with services.
func runInLab(program string) (code int, err error) {
	if err := build("../lab", program, "."); err != nil {
		return 0, err
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	again := exec.Command(program, append([]string{"run", "--services", "--", self}, os.Args[1:]...)...)
	again.Stdout, again.Stderr = os.Stdout, os.Stderr
	err = again.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

func build(dir, program, pkg string) error {
	cmd := exec.Command("go", "build", "-o", program, pkg)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// lab returns a value of the lab.
func lab(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv("LAB_" + name)
	if value == "" {
		t.Fatalf("the lab has no LAB_%s", name)
	}
	return value
}

// control tells the lab to stop or to start a service.
func control(t *testing.T, path string) {
	t.Helper()
	answer, err := http.Post(lab(t, "CONTROL")+path, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		t.Fatalf("%s: %s", path, answer.Status)
	}
}

// An outcome is how a run of the helper ended.
type outcome struct {
	code   int
	stderr string
}

// wait runs pulp-helper wait.
func wait(t *testing.T, args ...string) outcome {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), helper, append([]string{"wait", "--timeout", "5s"}, args...)...)
	var stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stderr, &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return outcome{cmd.ProcessState.ExitCode(), stderr.String()}
}

// A probe is a URL and what is to come of it: an exit code, and a part of what is printed; nothing, if the service is available.
type probe struct {
	url  string
	code int
	want string
}

func ask(t *testing.T, probes ...probe) {
	t.Helper()
	for _, q := range probes {
		got := wait(t, "--tries", "1", q.url)
		if got.code != q.code || !strings.Contains(got.stderr, q.want) || q.code == 0 && got.stderr != "" {
			t.Errorf("%s: exit code %d, want %d; %q, want %q in it", q.url, got.code, q.code, got.stderr, q.want)
		}
		if strings.Contains(got.stderr, "s3cret") {
			t.Errorf("%s: a password is shown: %s", q.url, got.stderr)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// start starts a server, which ends with the test.
func start(t *testing.T, as *syscall.Credential, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT) // at once, but in order: both servers have children or files to see to
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s says\n%s", program, log.String())
		}
	})
}

// arrive waits for a server that was just started, by the program under test.
func arrive(t *testing.T, url string) {
	t.Helper()
	if got := wait(t, "--tries", "1200", "--interval", "50ms", url); got.code != 0 {
		t.Fatalf("%s: exit code %d\n%s", url, got.code, got.stderr)
	}
}
