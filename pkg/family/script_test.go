package family_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// awkward are values that mean something to a shell.
var awkward = []string{
	"two  words", "it's", `say "hi"`, `a\b\\c\`, "$HOME", "$${HOME}", "$(touch pwned)", "`touch pwned`", "a\nb\n", "\n", "*", "~", "#x", ";touch pwned",
	"&& touch pwned", "|", ">pwned", "}", "a}b{c", "${", "$", "!x", "%s", "-n", "--", "ü€", "\t", "",
}

// quoted writes a value as it stands in a spec: a string in YAML, whose ${ mean nothing.
func quoted(t testing.TB, value string) string {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(data), "${", "$${")
}

func quotedAll(t testing.TB, values []string) string {
	t.Helper()
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = quoted(t, v)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// shells are those that a /bin/sh may be.
var shells = [][]string{{"dash"}, {"bash", "--posix"}, {"busybox", "sh"}}

// A start is a start script that runs where pulp-helper is a stand-in: it writes down its arguments and the environment.
type start struct {
	dir    string
	script string
}

func newStart(t testing.TB, script string) start {
	t.Helper()
	s := start{dir: t.TempDir(), script: script}
	helper := "#!/bin/sh\nset -eu\n{ echo call; for a; do printf '<%s>' \"$a\"; done; echo; } >> \"$CALLS\"\nenv -0 > \"$CALLS.env\"\n"
	if err := os.WriteFile(filepath.Join(s.dir, "pulp-helper"), []byte(helper), 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

// run runs the script and returns the calls of pulp-helper, the environment of the last one, what was printed and the exit code.
func (s start) run(t testing.TB, shell, env, args []string) (calls []string, got map[string]string, output string, code int) {
	t.Helper()
	work := t.TempDir()
	cmd := exec.CommandContext(t.Context(), shell[0], append(append(shell[1:len(shell):len(shell)], "-c", s.script, "/run.sh"), args...)...)
	cmd.Dir = work
	record := filepath.Join(t.TempDir(), "calls")
	cmd.Env = append([]string{"PATH=" + s.dir + ":/usr/bin:/bin", "HOME=/home", "CALLS=" + record}, env...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(work); err != nil || len(left) > 0 {
		t.Errorf("the script left %v, %v", left, err)
	}
	data, err := os.ReadFile(record)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for call := range strings.SplitSeq(string(data), "call\n") {
		if call != "" {
			calls = append(calls, strings.TrimSuffix(call, "\n"))
		}
	}
	got = map[string]string{}
	data, err = os.ReadFile(record + ".env")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for entry := range strings.SplitSeq(string(data), "\x00") {
		if name, value, ok := strings.Cut(entry, "="); ok {
			got[name] = value
		}
	}
	return calls, got, string(out), cmd.ProcessState.ExitCode()
}

func call(words ...string) string { return "<" + strings.Join(words, "><") + ">" }

func eachShell(t *testing.T, f func(t *testing.T, shell []string)) {
	t.Helper()
	for _, shell := range shells {
		t.Run(shell[0], func(t *testing.T) { f(t, shell) })
	}
}

func TestWordsOfTheSpecArriveAtTheProcessAsTheyAre(t *testing.T) {
	f := mustResolve(t, started("", fmt.Sprintf("{init: [%s], command: %s}", quotedAll(t, append([]string{"i"}, awkward...)), quotedAll(t, append([]string{"c"}, awkward...)))))
	s := newStart(t, startScript(t, image(t, f, "a")))
	eachShell(t, func(t *testing.T, shell []string) {
		calls, _, output, code := s.run(t, shell, nil, awkward)
		want := []string{
			call(append([]string{"exec", "--", "i"}, awkward...)...),
			call(append(append([]string{"exec", "--", "c"}, awkward...), awkward...)...),
		}
		if diff := cmp.Diff(want, calls); diff != "" || code != 0 || output != "" {
			t.Errorf("exit code %d, output %q, calls (-want +got):\n%s", code, output, diff)
		}
	})
}

func TestDefaultsOfTheSpecArriveInTheEnvironmentAsTheyAre(t *testing.T) {
	var declared strings.Builder
	for i, value := range awkward {
		// The second one has a variable in it, which is written another way.
		fmt.Fprintf(&declared, "  A%d: {default: %s}\n  B%d: {default: \"${P}%s}\n", i, quoted(t, value), i, quoted(t, value)[1:])
	}
	f := mustResolve(t, started("environment:\n  P: {default: p}\n"+declared.String(), `{command: [c, "${A0}/${B0}"]}`))
	s := newStart(t, startScript(t, image(t, f, "a")))
	eachShell(t, func(t *testing.T, shell []string) {
		calls, env, output, code := s.run(t, shell, nil, nil)
		if want := []string{call("exec", "--", "c", awkward[0]+"/p"+awkward[0])}; !cmp.Equal(want, calls) || code != 0 || output != "" {
			t.Errorf("exit code %d, output %q, calls %q, want %q", code, output, calls, want)
		}
		for i, value := range awkward {
			if got := env[fmt.Sprintf("A%d", i)]; got != value {
				t.Errorf("the default %q arrives as %q", value, got)
			}
			if got := env[fmt.Sprintf("B%d", i)]; got != "p"+value {
				t.Errorf("the default %q arrives as %q", "p"+value, got)
			}
		}
	})
}

func TestValuesOfAContainerAreNotReadAgain(t *testing.T) {
	f := mustResolve(t, started("environment: {A: {default: a}, B: {default: \"<${A}>\"}}\n", `{command: [c, "${A}", "${B}"]}`))
	s := newStart(t, startScript(t, image(t, f, "a")))
	eachShell(t, func(t *testing.T, shell []string) {
		for _, value := range awkward {
			want := value
			if want == "" {
				want = "a" // an empty variable counts as not set
			}
			calls, _, output, code := s.run(t, shell, []string{"A=" + value}, nil)
			if all := []string{call("exec", "--", "c", want, "<"+want+">")}; !cmp.Equal(all, calls) || code != 0 || output != "" {
				t.Errorf("A=%q: exit code %d, output %q, calls %q, want %q", value, code, output, calls, all)
			}
		}
	})
}

func TestTheStagesComeInTheirOrder(t *testing.T) {
	f := mustResolve(t, started("settings: {s: {file: /f, lens: l.aug}}\nservices: {db: {url: \"tcp://h:1\"}, mq: {url: \"tcp://h:2\"}}\n",
		`{command: [c], init: [[i, "1"], [j]], wait: [db, mq], configure: [s], require: {files: [/etc/passwd]}, user: "1", workdir: /a b, umask: "027"}`))
	s := newStart(t, startScript(t, image(t, f, "a")))
	become := []string{"exec", "--user", "1", "--workdir", "/a b", "--umask", "027", "--"}
	want := []string{
		call("config", "s"), call("wait", "db", "mq"),
		call(append(become, "i", "1")...), call(append(become, "j")...), call(append(become, "c", "more")...),
	}
	eachShell(t, func(t *testing.T, shell []string) {
		calls, _, output, code := s.run(t, shell, nil, []string{"more"})
		if diff := cmp.Diff(want, calls); diff != "" || code != 0 || output != "" {
			t.Errorf("exit code %d, output %q, calls (-want +got):\n%s", code, output, diff)
		}
	})
}

// A shell that waits for a command in the foreground would hear of the signal when that has ended.
func TestASignalEndsTheStageThatRuns(t *testing.T) {
	f := mustResolve(t, started("services: {db: {url: \"tcp://h:1\"}}\n", `{wait: [db], init: [[i]], command: [c]}`))
	for _, stage := range []string{"wait", "exec"} {
		s := newStart(t, startScript(t, image(t, f, "a")))
		helper := "#!/bin/sh\nif [ $1 = " + stage + " ]; then trap 'kill $!; echo told; exit 9' TERM; sleep 60 & echo begun; wait; fi\n"
		if err := os.WriteFile(filepath.Join(s.dir, "pulp-helper"), []byte(helper), 0o755); err != nil {
			t.Fatal(err)
		}
		for signal, code := range map[syscall.Signal]int{syscall.SIGTERM: 143, syscall.SIGINT: 130} {
			eachShell(t, func(t *testing.T, shell []string) {
				cmd := exec.CommandContext(t.Context(), shell[0], append(shell[1:len(shell):len(shell)], "-c", s.script, "/run.sh")...)
				cmd.Env = []string{"PATH=" + s.dir + ":/usr/bin:/bin"}
				out, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				lines := bufio.NewScanner(out)
				for lines.Scan() && lines.Text() != "begun" {
				}
				if err := cmd.Process.Signal(signal); err != nil {
					t.Fatal(err)
				}
				if !lines.Scan() || lines.Text() != "told" {
					t.Errorf("%s was not told of %v: %q", stage, signal, lines.Text())
				}
				if err := cmd.Wait(); cmd.ProcessState.ExitCode() != code {
					t.Errorf("%v: %v, want the exit code %d", signal, err, code)
				}
			})
		}
	}
}

func TestAContainerDoesNotStartWithoutWhatItRequires(t *testing.T) {
	const declared = "environment: {R: {required: true}, N: {}, D: {default: \"${N}\"}, E: {default: \"\"}}\n"
	for _, test := range []struct{ name, start, want string }{
		{"a socket", `{require: {sockets: [/etc/passwd]}, command: [c]}`, "a: /etc/passwd is no socket: mount that of the host (-v /etc/passwd:/etc/passwd)"},
		{"a file", `{require: {files: ["/no $(touch pwned)"]}, command: [c]}`, "a: /no $(touch pwned) is missing: mount it"},
		{"a variable that is required everywhere", `{command: [c]}`, "a: R is not set: give it with -e R=VALUE"},
		{"a variable that is required here", `{require: {variables: [N]}, command: [c]}`, "a: N is not set: give it with -e N=VALUE"},
		{"a variable of the command", `{command: [c, "${N}"]}`, "a: N is not set: give it with -e N=VALUE"},
		{"a variable of the command whose default needs another", `{command: [c, "${D}"]}`, "a: D is not set: give it with -e D=VALUE"},
		{"nothing, of a variable with an empty default", `{command: [c, "${E}"]}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStart(t, startScript(t, image(t, mustResolve(t, started(declared, test.start)), "a")))
			eachShell(t, func(t *testing.T, shell []string) {
				var env []string
				if !strings.HasPrefix(test.want, "a: R") {
					env = []string{"R=r"}
				}
				calls, _, output, code := s.run(t, shell, env, nil)
				wantCode, wantCalls := 78, 0
				if test.want == "" {
					wantCode, wantCalls = 0, 1
				}
				if strings.TrimSuffix(output, "\n") != test.want || code != wantCode || len(calls) != wantCalls {
					t.Errorf("exit code %d, calls %q, output %q, want code %d and %q", code, calls, output, wantCode, test.want)
				}
			})
		})
	}
}

func TestATraceShowsNoSecret(t *testing.T) {
	f := mustResolve(t, started("environment: {P: {secret: true, required: true}, Q: {default: \"user:${P}\"}, R: {secret: true, default: hidden}}\n", `{require: {variables: [Q, R]}, command: [c]}`))
	s := newStart(t, startScript(t, image(t, f, "a")))
	eachShell(t, func(t *testing.T, shell []string) {
		calls, env, output, code := s.run(t, shell, []string{"P=hidden", "PULPIMG_DEBUG=1"}, nil)
		if code != 0 || len(calls) != 1 || env["Q"] != "user:hidden" {
			t.Errorf("exit code %d, calls %q, Q=%q, output %q", code, calls, env["Q"], output)
		}
		if !strings.Contains(output, "+ require\n") || !strings.Contains(output, "+ exec pulp-helper exec -- c\n") {
			t.Errorf("no trace: %q", output)
		}
		if strings.Contains(output, "hidden") {
			t.Errorf("the trace shows the secret: %q", output)
		}
	})
}

func TestStartScriptsPassShellcheck(t *testing.T) {
	scripts := map[string]string{}
	for name, f := range specs(t) {
		for _, i := range f.Images {
			if i.Config.Entrypoint != nil {
				scripts[name+" "+i.Name] = startScript(t, i)
			}
		}
	}
	everything := `{command: ` + quotedAll(t, awkward) + `, init: [[i, "${A}"], [j]], wait: [db], configure: [s], require: {files: [/f], sockets: [/s], variables: [A, B]}, user: u, workdir: /a b, umask: "027"}`
	scripts["everything"] = startScript(t, image(t, mustResolve(t, started(
		"environment: {A: {}, B: {default: \"${A}'\"}, C: {default: c}, D: {default: \"x y ${C}\"}}\nsettings: {s: {file: /f, lens: l.aug}}\nservices: {db: {url: \"tcp://h:1\"}}\n", everything)), "a"))
	scripts["nothing"] = startScript(t, image(t, mustResolve(t, started("", `{command: [c]}`)), "a"))
	for name, script := range scripts {
		args := []string{"--norc", "--shell=sh"}
		if name == "everything" {
			args = append(args, "--exclude=SC1003,SC2016") // it asks whether $ and \ in single quotes are meant to be themselves: they are
		}
		cmd := exec.CommandContext(t.Context(), "shellcheck", append(args, "-")...)
		cmd.Stdin = strings.NewReader(script)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: shellcheck: %v\n%s\n%s", name, err, out, script)
		}
	}
}
