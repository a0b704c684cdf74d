package waiting

import (
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/pulpimg/pulpimg/test/inlab"
)

// env is what all tests share.
var env struct {
	lab    inlab.Lab
	helper string // the path of the program to test
}

func TestMain(m *testing.M) {
	inlab.Main("waiting", func(l inlab.Lab) (code int, err error) {
		env.lab = l
		if err := inlab.Make("setup"); err != nil { // the servers that Debian has
			return 0, err
		}
		if env.helper, err = inlab.Helper(); err != nil {
			return 0, err
		}
		return m.Run(), nil
	})
}

// control tells the lab to stop or to start a service.
func control(t *testing.T, path string) {
	t.Helper()
	answer, err := http.Post(env.lab.Control+path, "", nil)
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
	if err := inlab.Watch(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), env.helper, append([]string{"wait", "--timeout", "5s"}, args...)...)
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
