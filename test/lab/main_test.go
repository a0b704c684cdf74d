package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pulpimg/pulpimg/test/lab/rpmrepo"
)

// asProgram makes the test's executable behave as lab itself.
const asProgram = "LAB_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// lab returns the command "lab ARGS...". The last variable of its environment
// is its alone, so that what it leaves behind can be found.
func lab(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), asProgram+"="+rand.Text())
	cmd.Stderr = t.Output()
	return cmd
}

// wait waits for the command's end, returns its exit code, and checks that no
// process that it started is left.
func wait(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	if exit := (*exec.ExitError)(nil); !errors.As(cmd.Wait(), &exit) && cmd.ProcessState == nil {
		t.Fatal("it was not waited for")
	}
	// Erlang's helpers see the end of their node, and end, a moment after it.
	deadline := time.Now().Add(leftoverGrace)
	for left := inheritors(t, cmd.Env[len(cmd.Env)-1]); len(left) > 0; left = inheritors(t, cmd.Env[len(cmd.Env)-1]) {
		if time.Now().After(deadline) {
			t.Fatalf("processes left behind: %q", left)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return cmd.ProcessState.ExitCode()
}

// leftoverGrace is how long a process may outlive the lab.
const leftoverGrace = 10 * time.Second

// inheritors returns the command lines of the processes with the variable,
// given as NAME=VALUE, in their environment.
func inheritors(t *testing.T, variable string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, name := range files {
		environment, err := os.ReadFile(name)
		if err != nil || !bytes.Contains(environment, []byte(variable)) { // it has just ended, or is none
			continue
		}
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(name), "cmdline"))
		found = append(found, string(bytes.ReplaceAll(line, []byte{0}, []byte(" "))))
	}
	return found
}

func TestRunGivesTheCommandTheLabAndReturnsItsExitCode(t *testing.T) {
	cmd := lab(t, "run", "--", "sh", "-c", `echo "$LAB_REGISTRY $LAB_REPO_URL $LAB_POLICY"; test -s "$LAB_POLICY" && exit 7`)
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if code := wait(t, cmd); code != 7 {
		t.Errorf("exit code %d, want 7", code)
	}
	values := strings.Fields(stdout.String())
	if len(values) != 3 || !strings.HasPrefix(values[0], "127.0.0.1:") || !strings.HasPrefix(values[1], "http://127.0.0.1:") {
		t.Errorf("the command sees %q", values)
	}
}

func TestRunLeavesNoProcess(t *testing.T) {
	cmd := lab(t, "run", "--", "true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if code := wait(t, cmd); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestNoServiceOutlivesTheLabHoweverItEnds(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(s.String(), func(t *testing.T) {
			cmd := lab(t, "serve", "--services")
			if _, err := cmd.StdinPipe(); err != nil { // it ends with it
				t.Fatal(err)
			}
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if lines := bufio.NewScanner(stdout); !lines.Scan() {
				t.Error("it printed nothing")
			}
			// lab itself, two databases, Erlang's port mapper, and the broker with its helpers.
			if got := len(inheritors(t, cmd.Env[len(cmd.Env)-1])); got < 5 {
				t.Errorf("it has only %d processes", got)
			}
			if err := cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
			wait(t, cmd)
		})
	}
}

func TestRunForwardsSignalsAndWaitsForTheCommand(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(s.String(), func(t *testing.T) {
			cmd := lab(t, "run", "--", "sh", "-c", `trap 'echo stopping; exit 3' INT TERM; echo ready; while :; do sleep 0.05; done`)
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(stdout)
			if !lines.Scan() || lines.Text() != "ready" {
				t.Fatalf("it says %q", lines.Text())
			}
			if err := cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
			if !lines.Scan() || lines.Text() != "stopping" {
				t.Errorf("after the signal it says %q", lines.Text())
			}
			if code := wait(t, cmd); code != 3 {
				t.Errorf("exit code %d, want 3", code)
			}
		})
	}
}

func TestACommandThatDiesOfASignalHasTheShellsExitCode(t *testing.T) {
	cmd := lab(t, "run", "--", "sh", "-c", "kill -KILL $$")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if got, want := wait(t, cmd), 128+int(syscall.SIGKILL); got != want {
		t.Errorf("exit code %d, want %d", got, want)
	}
}

func TestServePrintsTheValuesAndEndsWithStandardInput(t *testing.T) {
	cmd := lab(t, "serve")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var values map[string]string
	lines := bufio.NewReader(stdout)
	line, err := lines.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(line, &values); err != nil {
		t.Fatal(err)
	}
	arch, err := rpmrepo.Arch(runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{
		"http://" + values["LAB_REGISTRY"] + "/v2/fedora/tags/list",
		values["LAB_REPO_URL"] + "/fedora-pulp.repo",
		values["LAB_VAULT"] + "/os/" + arch + "/repodata/repomd.xml",
		values["LAB_EPEL"] + "/repodata/repomd.xml",
		values["LAB_EPEL_KEY"],
	} {
		response, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", url, response.Status)
		}
	}
	if err := stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if more, err := io.ReadAll(lines); err != nil || len(more) > 0 {
		t.Errorf("more than a line: %q (%v)", more, err)
	}
	if code := wait(t, cmd); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestMistakesInTheCommandLineAreNamed(t *testing.T) {
	for _, tc := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "no command"},
		{[]string{"start"}, exitUsage, `unknown command "start"`},
		{[]string{"run"}, exitUsage, "run: no command to run"},
		{[]string{"prepare", "now"}, exitUsage, `prepare: unexpected "now"`},
		{[]string{"serve", "--port=1"}, exitUsage, "-port"},
		{[]string{"clean", "--services"}, exitUsage, "--services"},
		{[]string{"run", "--", "/no/such/program"}, 1, "/no/such/program"},
		{[]string{"prepare", "--dir", "/dev/null/lab"}, 1, "/dev/null/lab"},
	} {
		t.Run(strings.Join(tc.args, " "), func(t *testing.T) {
			cmd := lab(t, tc.args...)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if code := wait(t, cmd); code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			if !strings.Contains(stderr.String(), tc.want) {
				t.Errorf("%q is not in: %s", tc.want, &stderr)
			}
		})
	}
}
