//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pulpimg/pulpimg/pkg/startup/contract"
	"github.com/pulpimg/pulpimg/test/needs"
)

// migrated returns a contract with a service that is a command.
func migrated(command ...string) contract.Contract {
	return contract.Contract{
		Environment: []contract.Variable{{Name: "HOST", Default: text("db")}, {Name: "PASSWORD", Secret: true}},
		Services:    []contract.Service{{Name: "migrated", Command: command, Tries: 3, Interval: 10 * time.Millisecond, Timeout: time.Minute}},
	}
}

// The command runs as that of the start: as its user, in its directory, with its umask and its environment.
func TestWait_commandAsStart(t *testing.T) {
	needs.Root(t)
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "said")
	c := migrated("/bin/sh", "-c", "(id -u; pwd; umask; echo $HOST $HOME) > $0", "${OUT}")
	c.Environment = append(c.Environment, contract.Variable{Name: "OUT"})
	s := newStart(t, c, "wait migrated", "become --user 54321 --workdir /usr --umask 027 -- /bin/echo started")
	const want = "54321\n/usr\n0027\ndb /\n"
	env := []string{"OUT=" + file, "PATH=/bin:/usr/bin", "HOME=/root"}
	if stdout, stderr, code := s.run(t, env); code != 0 || stdout != "started\n" || stderr != "" {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != want {
		t.Errorf("%v, it said %q, want %q", err, got, want)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	cmd := s.command(env) // by hand
	cmd.Args = []string{cmd.Args[0], "wait", "--tries", "1", "migrated"}
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != want {
		t.Errorf("by hand: %v, it said %q, want %q", err, got, want)
	}
}

// An image without a start script has commands, too.
func TestWait_commandWithoutStart(t *testing.T) {
	s := newStart(t, migrated("/bin/sh", "-c", "test $HOST = db"))
	if err := os.Remove(s.script); err != nil {
		t.Fatal(err)
	}
	cmd := s.command([]string{"PATH=/bin:/usr/bin"})
	cmd.Args = []string{cmd.Args[0], "wait", "migrated"}
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}

// The output of the last run is shown, and only that.
func TestWait_commandFails(t *testing.T) {
	for _, test := range []struct {
		name, script, want string
	}{
		{"with words", "echo $PASSWORD $RANDOM_; printf '\\040\\040at line 7\\n' >&2; exit 2",
			"pulp-helper wait: migrated (COMMAND): try 1 of 3: it ended with the exit code 2; next try in 10ms\n" +
				"pulp-helper wait: migrated (COMMAND): try 2 of 3: it ended with the exit code 2; next try in 10ms\n" +
				"pulp-helper: wait: migrated (COMMAND) is not available after 3 tries: it ended with the exit code 2; it printed:\n" +
				"pulp-helper:   ***\npulp-helper:     at line 7\n"},
		{"without words", "exit 2",
			"pulp-helper wait: migrated (COMMAND): try 1 of 3: it ended with the exit code 2; next try in 10ms\n" +
				"pulp-helper wait: migrated (COMMAND): try 2 of 3: it ended with the exit code 2; next try in 10ms\n" +
				"pulp-helper: wait: migrated (COMMAND) is not available after 3 tries: it ended with the exit code 2; it printed nothing\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStart(t, migrated("/bin/sh", "-c", test.script, "${HOST}"), "wait migrated", "become -- /bin/echo started")
			stdout, stderr, code := s.run(t, []string{"PASSWORD=hunter2", "PATH=/bin:/usr/bin"})
			want := strings.ReplaceAll(test.want, "COMMAND", "/bin/sh -c "+test.script+" db")
			if code != exitUnavailable || stdout != "" || stderr != want {
				t.Errorf("exit code %d, stdout %q, stderr\n%swant\n%s", code, stdout, stderr, want)
			}
		})
	}
}

// A command succeeds at a later try, beside a service that has a URL.
func TestWait_commandSucceedsLater(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tries")
	host, port := answering(t, "HTTP/1.1 200 OK\r\n\r\n")
	c := migrated("/bin/sh", "-c", "echo >> $0; test $(wc -l < $0) = 3", file)
	c.Services = append(c.Services, contract.Service{Name: "web", URL: "http://" + host + ":" + port, Tries: 1, Timeout: time.Minute})
	s := newStart(t, c, "wait migrated web", "become -- /bin/echo started")
	stdout, stderr, code := s.run(t, []string{"PATH=/bin:/usr/bin"})
	if code != 0 || stdout != "started\n" || !strings.HasSuffix(stderr, "): available at try 3\n") {
		t.Errorf("exit code %d, stdout %q, stderr %s", code, stdout, stderr)
	}
}

// A signal ends the waiting and the command, at once.
func TestWait_signalEndsCommand(t *testing.T) {
	needs.Root(t)
	file := filepath.Join(t.TempDir(), "pid")
	s := newStart(t, migrated("/bin/sh", "-c", "trap '' TERM; echo >&2; echo begun > $0; while :; do sleep 0.1; done", file), "wait migrated", "become --user 54321 -- /bin/echo started")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Dir(file), filepath.Dir(filepath.Dir(file))} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(file, 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := asFirst(s.command([]string{"PATH=/bin:/usr/bin"}))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for begun := false; !begun; time.Sleep(time.Millisecond) {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		begun = info.Size() > 0
	}
	begin := time.Now()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(bufio.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 143 || string(said) != "pulp-helper: ended by SIGTERM\n" || time.Since(begin) > 10*time.Second {
		t.Errorf("%v after %s: %s", err, time.Since(begin), said)
	}
}

// What a command leaves behind does not stay for the process, as its child or as a zombie.
func TestWait_commandLeavesNoProcesses(t *testing.T) {
	needs.Root(t)
	s := newStart(t, migrated("/bin/sh", "-c", "(sleep 1000 & sleep 1000) & sleep 0.1"), "wait migrated", `become -- /bin/sh -c "cat /proc/[0-9]*/stat"`)
	cmd := asFirst(s.command([]string{"PATH=/bin:/usr/bin"}))
	cmd.Path, cmd.Args = "/bin/sh", append([]string{"sh", "-c", `mount -t proc proc /proc && exec "$@"`, "sh", os.Args[0]}, cmd.Args[1:]...)
	cmd.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "1 (sh)") || strings.Contains(string(out), "sleep") {
		t.Errorf("%v:\n%s", err, out)
	}
}

// A command whose words cannot be made, or a service that is nothing at all, is a mistake of the image.
func TestWait_wrongCommand(t *testing.T) {
	c := migrated("/bin/true", "${PASSWORD}")
	c.Services = append(c.Services, contract.Service{Name: "nothing"})
	s := newStart(t, c, "become -- /bin/true")
	for name, want := range map[string]string{
		"migrated": "pulp-helper: migrated: PASSWORD is not set: give it with -e PASSWORD=VALUE\n",
		"nothing":  "pulp-helper: the URL of nothing is wrong",
	} {
		cmd := s.command(nil)
		cmd.Args = []string{cmd.Args[0], "wait", name}
		out, _ := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != exitConfig || !strings.HasPrefix(string(out), want) {
			t.Errorf("%s: %s: %s", name, fmt.Sprint(cmd.ProcessState), out)
		}
	}
}
