//go:build linux

package process_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/startup/process"
	"github.com/pulpimg/pulpimg/test/needs"
)

// The tests run themselves as the program that becomes another one.
const asProcess = "PULPIMG_TEST_PROCESS"

func TestMain(m *testing.M) {
	text := os.Getenv(asProcess)
	if text == "" {
		os.Exit(m.Run())
	}
	var p process.Process
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		panic(err)
	}
	err := p.Become()
	var unknown *process.UnknownUserError
	fmt.Fprintln(os.Stderr, err)
	if errors.As(err, &unknown) {
		os.Exit(78)
	}
	os.Exit(1)
}

// become runs a process and returns what it printed and its exit code.
func become(t *testing.T, p process.Process) (output string, pid, code int) {
	t.Helper()
	if p.User != "" && p.User != unknownUser {
		needs.Root(t)
	}
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = []string{asProcess + "=" + string(data)}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out.String()), cmd.Process.Pid, cmd.ProcessState.ExitCode()
}

// unknownUser is a user that no machine has: a typing error.
const unknownUser = "apche"

func sh(script string) []string { return []string{"/bin/sh", "-c", script} }

func TestBecome_keepsTheProcessID(t *testing.T) {
	out, pid, _ := become(t, process.Process{Umask: -1, Command: sh("echo $$")})
	if out != strconv.Itoa(pid) {
		t.Errorf("the command has the process ID %s, want %d", out, pid)
	}
}

// The process gets the user, directory, umask and environment that it is to have.
func TestBecome(t *testing.T) {
	daemon, err := user.Lookup("daemon")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for parent := dir; parent != os.TempDir(); parent = filepath.Dir(parent) {
		if err := os.Chmod(parent, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name string
		p    process.Process
		want string
	}{
		{"a user by name", process.Process{User: "daemon", Umask: -1, Command: sh("id -u; id -g; echo $HOME $USER"), Env: []string{"HOME=/root", "USER=root"}},
			strings.Join([]string{daemon.Uid, daemon.Gid, "/root root"}, "\n")},
		{"a user by number", process.Process{User: daemon.Uid, Umask: -1, Command: sh("id -un")}, "daemon"},
		{"a number that is nobody's", process.Process{User: "54321", Umask: -1, Command: sh("id -u; id -g; id -G")}, "54321\n54321\n54321"},
		{"no rights left over", process.Process{User: "daemon", Umask: -1, Command: sh("grep -E '^Cap(Prm|Eff)' /proc/self/status | cut -f2 | sort -u")}, "0000000000000000"},
		{"a directory", process.Process{User: "daemon", Dir: dir, Umask: -1, Command: sh("pwd")}, dir},
		{"a mask", process.Process{Umask: 0o027, Command: sh("umask")}, "0027"},
		{"a program in PATH", process.Process{Umask: -1, Command: []string{"echo", "a  b", "$HOME"}, Env: []string{"PATH=/nowhere:/usr/bin:/bin"}}, "a  b $HOME"},
		{"a program in the working directory", process.Process{Dir: "/usr/bin", Umask: -1, Command: []string{"echo", "a"}, Env: []string{"PATH=/nowhere:"}}, "a"},
		{"the environment and nothing else", process.Process{Umask: -1, Command: []string{"/usr/bin/env"}, Env: []string{"A=b c"}}, "A=b c"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, _, _ := become(t, test.p)
			if diff := cmp.Diff(test.want, out); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
		})
	}
}

// A signal reaches the command.
func TestBecome_signal(t *testing.T) {
	needs.Root(t)
	data, err := json.Marshal(process.Process{Umask: -1, User: "daemon", Command: sh("trap 'echo warm; exit 0' TERM; echo ready; while :; do sleep 0.05; done")})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = []string{asProcess + "=" + string(data), "PATH=/usr/bin:/bin"}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make([]byte, len("ready\n"))
	if _, err := out.Read(ready); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the command did not end by itself: %v", err)
	}
}

// The error says why the process cannot become the command.
func TestBecome_fails(t *testing.T) {
	for _, test := range []struct {
		name string
		p    process.Process
		want string
		code int
	}{
		{"an unknown user", process.Process{User: unknownUser, Umask: -1, Command: sh("true")}, `the image has no user "apche" in /etc/passwd: name another one, or give its number`, 78},
		{"no such directory", process.Process{Dir: "/no/where", Umask: -1, Command: sh("true")}, "entering the working directory /no/where: no such file or directory", 1},
		{"a directory that the user may not enter", process.Process{User: "daemon", Dir: "/root", Umask: -1, Command: sh("true")}, "entering the working directory /root as daemon: permission denied", 1},
		{"no such program", process.Process{Umask: -1, Command: []string{"cellery"}, Env: []string{"PATH=/bin"}}, "cellery: there is no such command in the image (PATH is /bin)", 1},
		{"no such file", process.Process{Umask: -1, Command: []string{"/bin/cellery"}}, "becoming /bin/cellery: no such file or directory", 1},
		{"nothing to become", process.Process{}, "there is no command to become", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, _, code := become(t, test.p)
			if out != test.want || code != test.code {
				t.Errorf("got %q and exit code %d, want %q and %d", out, code, test.want, test.code)
			}
		})
	}
}
