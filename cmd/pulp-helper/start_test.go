//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/startup/contract"
	"github.com/pulpimg/pulpimg/test/needs"
)

// A startTest is an image with a start script, in whose containers the process has the environment as it is given.
type startTest struct {
	contract string
	script   string
}

// newStart returns an image that declares a contract, with a script of these lines.
func newStart(t *testing.T, c contract.Contract, lines ...string) startTest {
	t.Helper()
	dir := t.TempDir()
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	s := startTest{contract: filepath.Join(dir, "contract.json"), script: filepath.Join(dir, "start")}
	text := "version 1\nimage app\n" + strings.Join(lines, "\n") + "\n"
	for name, content := range map[string]string{s.contract: string(data), s.script: text} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// command returns a command that starts a container with an environment, as its first process if it is run with a PID namespace.
func (s startTest) command(env []string, args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", append([]string{"start", s.script}, args...)...)
	cmd.Env = append([]string{asHelper + "=" + s.contract}, env...)
	return cmd
}

// run starts a container and returns what it printed and its exit code.
func (s startTest) run(t *testing.T, env []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := s.command(env, args...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func text(s string) *string { return &s }

// environ returns the environment of a container whose command prints it, without the variable that is the test's.
func (s startTest) environ(t *testing.T, env []string) []string {
	t.Helper()
	out, stderr, code := s.run(t, env)
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	list := strings.Split(strings.TrimSuffix(out, "\x00"), "\x00")
	return slices.DeleteFunc(list, func(a string) bool { return strings.HasPrefix(a, asHelper+"=") })
}

// printEnv is a command that prints its environment as it is.
const printEnv = "/bin/cat /proc/self/environ"

func TestStart_keepsTheEnvironment(t *testing.T) {
	needs.Root(t)
	c := contract.Contract{Environment: []contract.Variable{
		{Name: "HOST", Default: text("127.0.0.1")}, {Name: "URL", Default: text("<${HOST}>")}, {Name: "EMPTY", Default: text("")},
		{Name: "OPEN"}, {Name: "HALF", Default: text("user:${OPEN}")}, {Name: "HOME", Default: text("/srv")},
	}}
	// What a shell would have made something else of.
	given := []string{
		"UID=4711", "GROUPS=a", "IFS=:", "OPTIND=x", "SECONDS=y", "RANDOM=z", "OSTYPE=o", "SHELL=/bin/none", "PPID=1", "PWD=/nowhere", "SHLVL=7", "_=u", "PS4=p",
		"my.setting=1", "a-b=2", "1=one", "QUOTES='\"$(touch pwned)`", "LINES=a\nb\n", "PATH=/nowhere", "HOST=", "HOME=/root", "empty=", "ü=€",
	}
	defaults := []string{"URL=<127.0.0.1>", "EMPTY="}
	want := slices.Clone(given)
	want[slices.Index(want, "HOST=")] = "HOST=127.0.0.1"
	want[slices.Index(want, "HOME=/root")] = "HOME=/srv"
	want = append(want, defaults...)
	for name, lines := range map[string][]string{
		"to the command": {"become -- " + printEnv},
		"to init":        {"init " + printEnv, "become -- /bin/true"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want, newStart(t, c, lines...).environ(t, given)); diff != "" {
				t.Errorf("environment (-want +got):\n%s", diff)
			}
		})
	}
}

// Package os/exec and the shells drop one of two values.
func TestStart_keepsDuplicateVariables(t *testing.T) {
	s := newStart(t, contract.Contract{}, "become -- "+printEnv)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	env := []string{asHelper + "=" + s.contract, "A=1", "odd", "A=2"}
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"pulp-helper", "start", s.script}, &syscall.ProcAttr{Env: env, Files: []uintptr{0, w.Fd(), 2}})
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := syscall.Wait4(pid, nil, 0, nil); err != nil {
		t.Fatal(err)
	}
	if got := string(out); got != strings.Join(env, "\x00")+"\x00" {
		t.Errorf("the command has %q", got)
	}
}

func TestStart_setsHome(t *testing.T) {
	needs.Root(t)
	declared := contract.Contract{Environment: []contract.Variable{{Name: "HOME", Default: text("/declared")}, {Name: "USER", Default: text("somebody")}}}
	const asUser, asRoot = "become --user 54321 -- " + printEnv, "become -- " + printEnv
	for _, test := range []struct {
		name     string
		contract contract.Contract
		line     string
		env      []string
		want     []string
	}{
		{"the runtime's is not the user's", contract.Contract{}, asUser, []string{"HOME=/root"}, []string{"HOME=/"}},
		{"the runtime's is that of the user whom it starts", contract.Contract{}, asRoot, []string{"HOME=/root"}, []string{"HOME=/root"}},
		{"one that is given stays", contract.Contract{}, asUser, []string{"HOME=/given", "USER=u", "LOGNAME=l"}, []string{"HOME=/given", "USER=u", "LOGNAME=l"}},
		{"one that is declared is used", declared, asUser, []string{"HOME=/root"}, []string{"HOME=/declared", "USER=somebody"}},
		{"one that is declared is used by root, too", declared, asRoot, []string{"HOME=/root"}, []string{"HOME=/declared", "USER=somebody"}},
		{"one that is given goes before one that is declared", declared, asUser, []string{"HOME=/given"}, []string{"HOME=/given", "USER=somebody"}},
	} {
		for _, stage := range []string{"init", "become"} {
			t.Run(test.name+" in "+stage, func(t *testing.T) {
				lines := []string{test.line}
				if stage == "init" {
					lines = []string{"init " + printEnv, strings.Replace(test.line, printEnv, "/bin/true", 1)}
				}
				if diff := cmp.Diff(test.want, newStart(t, test.contract, lines...).environ(t, test.env)); diff != "" {
					t.Errorf("environment (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// What a default names may be what the container begins with, or what the user has.
func TestStart_defaultsUseHome(t *testing.T) {
	needs.Root(t)
	c := contract.Contract{Environment: []contract.Variable{{Name: "HOME"}, {Name: "CACHE", Default: text("${HOME}/.cache")}}}
	moved := contract.Contract{Environment: []contract.Variable{{Name: "CACHE", Default: text("${HOME}/.cache")}, {Name: "HOME", Default: text("/srv/${USER}")}, {Name: "USER", Default: text("app")}}}
	const asUser, asRoot = "become --user 54321 -- " + printEnv, "become -- " + printEnv
	for _, test := range []struct {
		name     string
		contract contract.Contract
		line     string
		env      []string
		want     []string
	}{
		{"the runtime's home", c, asRoot, []string{"HOME=/root"}, []string{"HOME=/root", "CACHE=/root/.cache"}},
		{"the user's home", c, asUser, []string{"HOME=/root"}, []string{"HOME=/", "CACHE=//.cache"}},
		{"a home that is given", c, asUser, []string{"HOME=/given"}, []string{"HOME=/given", "CACHE=/given/.cache"}},
		{"no home", c, asRoot, []string{"A=1"}, []string{"A=1"}},
		{"a home that is declared", moved, asUser, []string{"HOME=/root"}, []string{"HOME=/srv/app", "CACHE=/srv/app/.cache", "USER=app"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, newStart(t, test.contract, test.line).environ(t, test.env)); diff != "" {
				t.Errorf("environment (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStart_expandsWords(t *testing.T) {
	c := contract.Contract{Environment: []contract.Variable{{Name: "A", Default: text("a")}, {Name: "B"}}}
	for _, value := range []string{"two  words", "it's", "$(touch pwned)", "`x`", "a\nb\n", "*", "${A}", "$A", "-n", "\\"} {
		s := newStart(t, c, `become -- /usr/bin/printf <%s> "${A} ${B}" "$${A}" "$A"`)
		stdout, stderr, code := s.run(t, []string{"B=" + value}, "more", value)
		if want := "<a " + value + "><${A}><$A><more><" + value + ">"; stdout != want || stderr != "" || code != 0 {
			t.Errorf("exit code %d, stdout %q, stderr %q, want %q", code, stdout, stderr, want)
		}
	}
}

func TestStart_stageOrder(t *testing.T) {
	needs.Root(t)
	s := newStart(t, contract.Contract{}, "init /bin/sh -c \"echo init $$ >&2; umask; pwd; id -u\"", "init /bin/echo second", "become --user 54321 --workdir /usr --umask 027 -- /bin/sh -c \"echo become $$ >&2; umask; pwd; id -u\"")
	cmd := s.command(nil)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	if want := "0027\n/usr\n54321\nsecond\n0027\n/usr\n54321\n"; stdout.String() != want {
		t.Errorf("stdout %q, want %q", stdout.String(), want)
	}
	if pid := strconv.Itoa(cmd.Process.Pid); !strings.HasSuffix(stderr.String(), "become "+pid+"\n") || strings.Contains(stderr.String(), "init "+pid+"\n") {
		t.Errorf("the process %s said %q", pid, stderr.String())
	}
}

func TestStart_refuses(t *testing.T) {
	c := contract.Contract{
		Environment: []contract.Variable{{Name: "N"}, {Name: "D", Default: text("${N}")}, {Name: "E", Default: text("")}},
		Services:    []contract.Service{{Name: "db", URL: "tcp://${N}:1"}},
	}
	for _, test := range []struct {
		name, lines, want string
		code              int
	}{
		{"what is missing, all at once", "require socket /etc/passwd\nrequire file /no/file\nrequire variable N\nrequire variable D\nrequire variable E",
			"pulp-helper: app: /etc/passwd is not a socket: mount the one of the host (-v /etc/passwd:/etc/passwd)\n" +
				"pulp-helper: app: /no/file is missing: mount it\n" +
				"pulp-helper: app: N is not set: give it with -e N=VALUE\n" +
				"pulp-helper: app: D is not set: give it with -e D=VALUE\n" +
				"pulp-helper: app: E is not set: give it with -e E=VALUE\n", 78},
		{"a variable of a command", "init /bin/echo ${N}", "pulp-helper: app: N is not set: give it with -e N=VALUE\n", 78},
		{"settings that are not declared", "configure none", `pulp-helper: SCRIPT:3: config: the image declares no settings called "none"` + "\n", 78},
		{"a service that is not declared", "wait none", `pulp-helper: SCRIPT:3: wait: the image declares no service called "none", but db` + "\n", 78},
		{"an unknown stage", "become-not x", `pulp-helper: SCRIPT:3: there is no stage "become-not": a line begins with version, image, require, configure, wait, init, become` + "\n", 78},
		{"an init that fails", "init /bin/sh -c \"exit 3\"", "pulp-helper: app: init /bin/sh ended with the exit code 3\n", 3},
		{"an init that is killed", "init /bin/sh -c \"kill -KILL $$\"", "pulp-helper: app: init /bin/sh ended with the exit code 137\n", 137},
		{"an init that is not there", "init /no/command", "pulp-helper: becoming /no/command: no such file or directory\npulp-helper: app: init /no/command ended with the exit code 78\n", 78},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStart(t, c, test.lines, "become -- /bin/echo started")
			stdout, stderr, code := s.run(t, nil)
			if want := strings.ReplaceAll(test.want, "SCRIPT", s.script); stderr != want || code != test.code || stdout != "" {
				t.Errorf("exit code %d, stdout %q, stderr:\n%swant %d:\n%s", code, stdout, stderr, test.code, want)
			}
		})
	}
}

func TestStart_unknownUser(t *testing.T) {
	s := newStart(t, contract.Contract{}, "init /bin/echo begun", "become --user no-such-user -- /bin/true")
	if stdout, stderr, code := s.run(t, nil); code != 78 || stdout != "" || !strings.Contains(stderr, `no user "no-such-user"`) {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

func TestStart_tracesNoSecret(t *testing.T) {
	needs.Root(t)
	c := contract.Contract{Environment: []contract.Variable{{Name: "P", Secret: true}, {Name: "Q", Secret: true, Default: text("user:${P}")}, {Name: "A", Default: text("shown")}}}
	s := newStart(t, c, "# a comment", "require variable Q", "init /bin/echo ${A}", `become --user 0 -- /bin/sh -c "echo $Q"`)
	stdout, stderr, code := s.run(t, []string{"P=hidden", "PULPIMG_DEBUG=1"})
	if stdout != "shown\nuser:hidden\n" || code != 0 {
		t.Errorf("exit code %d, stdout %q", code, stdout)
	}
	if want := "+ require variable Q\n+ init /bin/echo ${A}\n+ become --user 0 -- /bin/sh -c \"echo $Q\"\n"; stderr != want {
		t.Errorf("the trace is %q, want %q", stderr, want)
	}
}

// asFirst makes a command the first process of a PID namespace, as in a container: it gets no signal that it does not ask for.
func asFirst(cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	return cmd
}

func TestStart_signals(t *testing.T) {
	needs.Root(t)
	c := contract.Contract{Services: []contract.Service{{Name: "db", URL: "tcp://127.0.0.1:1", Tries: 100, Interval: time.Minute, Timeout: time.Second}}}
	const trap = `init /bin/sh -c "trap 'echo told; exit 9' TERM INT HUP QUIT; echo begun; while :; do sleep 0.1; done"`
	for _, stage := range []struct{ name, line, begun, told string }{
		{"wait", "wait db", "next try", ""},
		{"init", trap, "begun", "told\n"},
	} {
		for signal, code := range map[syscall.Signal]int{syscall.SIGTERM: 143, syscall.SIGINT: 130, syscall.SIGQUIT: 131, syscall.SIGHUP: 129} {
			t.Run(fmt.Sprint(stage.name, " ", signal), func(t *testing.T) {
				cmd := asFirst(newStart(t, c, stage.line, "become -- /bin/echo started").command(nil))
				out, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				cmd.Stderr = cmd.Stdout
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				lines := bufio.NewReader(out)
				for line := ""; !strings.Contains(line, stage.begun); {
					if line, err = lines.ReadString('\n'); err != nil {
						t.Fatal(err)
					}
				}
				if err := cmd.Process.Signal(signal); err != nil {
					t.Fatal(err)
				}
				rest, err := io.ReadAll(lines)
				if err != nil {
					t.Fatal(err)
				}
				if want := stage.told + "pulp-helper: ended by SIG"; !strings.HasPrefix(string(rest), want) || strings.Contains(string(rest), "started") {
					t.Errorf("it said %q, want %q", rest, want)
				}
				if err := cmd.Wait(); cmd.ProcessState.ExitCode() != code {
					t.Errorf("%v, want the exit code %d", err, code)
				}
			})
		}
	}
}

func TestStart_leavesNoZombies(t *testing.T) {
	needs.Root(t)
	// The second one is the child of a process that ends at once, so it becomes the first process's.
	const orphan = `init /bin/sh -c "(sleep 0.2; exit 1) & exit 0"`
	s := newStart(t, contract.Contract{}, orphan, "init /bin/sleep 0.5", `become -- /bin/sh -c "cat /proc/[0-9]*/status"`)
	cmd := asFirst(s.command([]string{"PATH=/bin:/usr/bin"}))
	// The namespace's own /proc, as in a container.
	cmd.Path, cmd.Args = "/bin/sh", append([]string{"sh", "-c", `mount -t proc proc /proc && exec "$@"`, "sh", os.Args[0]}, cmd.Args[1:]...)
	cmd.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "State:") || strings.Contains(string(out), "zombie") {
		t.Errorf("%v:\n%s", err, out)
	}
}

// Containers in Kubernetes and Compose have few capabilities.
func TestStart_cannotSignalInit(t *testing.T) {
	needs.Root(t)
	s := newStart(t, contract.Contract{}, `init /bin/sh -c "trap '' TERM; echo begun; while :; do sleep 0.1; done"`, "become --user 54321 -- /bin/true")
	cmd := asFirst(s.command([]string{"PATH=/bin:/usr/bin"}))
	cmd.Path, cmd.Args = "/usr/bin/setpriv", append([]string{"setpriv", "--bounding-set=-kill", "--inh-caps=-kill", "/proc/self/exe"}, cmd.Args[1:]...)
	cmd.Args[3] = os.Args[0]
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 143 {
		t.Errorf("%v, want the exit code 143", err)
	}
}
