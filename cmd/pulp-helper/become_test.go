//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pulpimg/pulpimg/internal/signals"
	"github.com/pulpimg/pulpimg/test/needs"
)

func TestExec(t *testing.T) {
	needs.Root(t)
	script := `echo "$$ $(id -un) $(pwd) $(umask) $HOME"; exit 3`
	cmd := helper(t.Context(), "exec", "--user", "nobody", "--workdir", "/usr", "--umask", "027", "--", "sh", "-c", script)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	err := cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("exit: %v, want the command's 3: %s", err, stderr.String())
	}
	fields := strings.Fields(stdout.String())
	if len(fields) != 5 {
		t.Fatalf("the command printed %q", stdout.String())
	}
	gotPID, rest := fields[0], [4]string(fields[1:])
	if gotPID != strconv.Itoa(pid) {
		t.Errorf("the command has process ID %s, want %d, the helper's", gotPID, pid)
	}
	if want := [4]string{"nobody", "/usr", "0027", "/nonexistent"}; rest != want {
		t.Errorf("user, directory, umask and home are %v, want %v", rest, want)
	}
}

func TestExec_userByNumber(t *testing.T) {
	needs.Root(t)
	for _, number := range []string{"65534", "4711"} { // one that the machine lists, one that it does not
		out, err := helper(t.Context(), "exec", "--user", number, "--", "id", "-u").CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != number {
			t.Errorf("id -u of user %s: %s, %v", number, out, err)
		}
	}
}

// A command that does not exist ends exec with 78.
func TestExec_noSuchCommand(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--user", "no-such-user", "--", "true"}, `no user "no-such-user"`},
		{[]string{"--workdir", "/no/such/directory", "--", "true"}, "/no/such/directory"},
		{[]string{"--", "/no/such/command"}, "/no/such/command"},
	} {
		out, err := helper(t.Context(), append([]string{"exec"}, test.args...)...).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != exitConfig || !strings.Contains(string(out), test.want) {
			t.Errorf("exec %v: %v: %s", test.args, err, out)
		}
	}
}

// It is looked at before anything else happens: this test would become the command.
func TestExec_afterASignal(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(signals.Error{Signal: syscall.SIGTERM})
	var stderr bytes.Buffer
	if code := (program{getenv: os.Getenv, stderr: &stderr}).run(ctx, []string{"exec", "--", "/bin/false"}); code != 143 {
		t.Errorf("exit code %d, want 143: %s", code, stderr.String())
	}
}

func TestExec_signalWhilePreparing(t *testing.T) {
	needs.Root(t)
	passwd := filepath.Join(t.TempDir(), "passwd")
	if err := syscall.Mkfifo(passwd, 0o600); err != nil {
		t.Fatal(err)
	}
	const mount = `mount --bind "$0" /etc/passwd && exec "$@"`
	cmd := asFirst(exec.CommandContext(t.Context(), "/bin/sh", "-c", mount, passwd, os.Args[0], "exec", "--exact-environment", "--user", "daemon", "--", "/bin/echo", "started"))
	cmd.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
	cmd.Env = []string{"PATH=/bin:/usr/bin", asHelper + "=/no/contract"}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	w, err := os.OpenFile(passwd, os.O_WRONLY, 0) // waits until it looks up the user
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err = <-ended:
		w.Close()
	case <-time.After(10 * time.Second): // it did not hear the signal, so let it go on
		_, _ = w.WriteString("daemon:x:1:1::/:/bin/sh\n")
		w.Close()
		err = <-ended
	}
	if cmd.ProcessState.ExitCode() != 143 || strings.Contains(out.String(), "started") {
		t.Errorf("%v, want the exit code 143: %s", err, out.String())
	}
}
