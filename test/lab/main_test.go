package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

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

// lab returns the command "lab ARGS...", in a session of its own so that what
// it leaves behind can be found.
func lab(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stderr = t.Output()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

// wait waits for the command's end, returns its exit code, and checks that no
// process of its session is left.
func wait(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	if exit := (*exec.ExitError)(nil); !errors.As(cmd.Wait(), &exit) && cmd.ProcessState == nil {
		t.Fatal("it was not waited for")
	}
	if left := session(t, cmd.Process.Pid); len(left) > 0 {
		t.Errorf("processes left behind: %q", left)
	}
	return cmd.ProcessState.ExitCode()
}

// session returns the command lines of the session's processes.
func session(t *testing.T, id int) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, name := range files {
		stat, err := os.ReadFile(name)
		if err != nil { // it has just ended
			continue
		}
		// The name in parentheses may have spaces; then: state, parent, group, session.
		_, rest, _ := strings.Cut(string(stat[bytes.LastIndexByte(stat, ')'):]), " ")
		if strings.Fields(rest)[3] == strconv.Itoa(id) {
			found = append(found, string(stat))
		}
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
