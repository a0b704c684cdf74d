package main

import (
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

func TestExecBecomesTheCommand(t *testing.T) {
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

func TestExecTakesAUserByNumber(t *testing.T) {
	for _, number := range []string{"65534", "4711"} { // one that the machine lists, one that it does not
		out, err := helper(t.Context(), "exec", "--user", number, "--", "id", "-u").CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != number {
			t.Errorf("id -u of user %s: %s, %v", number, out, err)
		}
	}
}

func TestExecOfWhatIsNotThereExits78(t *testing.T) {
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
