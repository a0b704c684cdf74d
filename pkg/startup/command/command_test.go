//go:build linux

package command_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/startup/command"
	"github.com/pulpimg/pulpimg/pkg/startup/service"
	"github.com/pulpimg/pulpimg/test/needs"
)

// long is longer than any program here takes.
const long = time.Minute

func script(text string) command.Command {
	return command.Command{Args: []string{"/bin/sh", "-c", text}, Env: []string{"PATH=/usr/bin:/bin", "A=one"}, Shown: "script"}
}

func TestProbe(t *testing.T) {
	for _, test := range []struct {
		name, script string
		limit        time.Duration
		want         *command.Failure
	}{
		{"a success says nothing", "echo fine", long, nil},
		{"a failure", "echo to both; echo ways >&2; exit 3", long, &command.Failure{Words: "it ended with the exit code 3", Output: "to both\nways"}},
		{"a failure without a word", "exit 1", long, &command.Failure{Words: "it ended with the exit code 1"}},
		{"a signal", "kill -SEGV $$", long, &command.Failure{Words: "it was ended by the signal segmentation fault"}},
		{"too late", "echo begun; exec sleep 100", 300 * time.Millisecond, &command.Failure{Words: "it did not end within 300ms", Output: "begun"}},
		{"too late, and deaf", "trap '' TERM INT; echo begun; while :; do sleep 100; done", 300 * time.Millisecond, &command.Failure{Words: "it did not end within 300ms", Output: "begun"}},
		{"its environment, and no input", "cat; echo $A; exit 1", long, &command.Failure{Words: "it ended with the exit code 1", Output: "one"}},
		{"what a terminal would obey", `printf '\033[31m  red\r\n\tin\000dented\n\n'; exit 1`, long, &command.Failure{Words: "it ended with the exit code 1", Output: " [31m  red\n in dented"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := script(test.script).Probe(t.Context(), test.limit)
			if test.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var got *command.Failure
			if !errors.As(err, &got) || got.Words != test.want.Words || got.Output != test.want.Output || errors.Is(err, service.ErrHopeless) {
				t.Errorf("got %#v, want %#v", err, test.want)
			}
		})
	}
}

func TestProbe_noProgram(t *testing.T) {
	c := command.Command{Args: []string{"/no/program"}, Shown: "program"}
	if err := c.Probe(t.Context(), long); err == nil || err.Error() != "starting /no/program: no such file or directory" {
		t.Errorf("got %v", err)
	}
}

// The end of a long output is shown, and no secret that is only half there.
func TestProbe_longOutput(t *testing.T) {
	const secret = "correct horse"
	for _, test := range []struct{ name, script, begin, end string }{
		{"many lines", "seq 100000", "...\n99961\n", "\n100000"},
		{"many long lines", `x=$(printf %0999d 7); for i in 1 2 3 4 5 6 7 8 9; do echo $i$x; done`, "...\n6000", "0007"},
		{"one long line", "head -c 200000 /dev/zero | tr '\\0' x; echo end", "...xxx", "xend"},
		{"secrets", `for i in $(seq 20000); do printf 'correct horse'; done; echo; echo correct horse`, "...", "***"},
		{"a secret in one line", "yes 'correct horse' | head -c 196000 | tr '\\n' _", "...", "_***_***_"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := script(test.script + "; exit 1")
			c.Hide = service.Hider(secret)
			var got *command.Failure
			if err := c.Probe(t.Context(), long); !errors.As(err, &got) {
				t.Fatal(err)
			}
			if !strings.HasPrefix(got.Output, test.begin) || !strings.HasSuffix(got.Output, test.end) || len(got.Output) > 4200 || strings.Contains(got.Output, secret) {
				t.Errorf("%d bytes: %q", len(got.Output), got.Output)
			}
		})
	}
}

// alive reports whether a process runs, and is not only waiting for its parent to ask how it ended.
func alive(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(data), ") ")
	return !strings.HasPrefix(state, "Z")
}

// gone waits until a process has ended.
func gone(t *testing.T, pid int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); alive(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the process %d is still there", pid)
		}
	}
}

// A descendant of the program, which has its pipe, ends with it.
func TestProbe_leavesNothing(t *testing.T) {
	for _, test := range []struct {
		name, script string
		limit        time.Duration
		ok           bool
	}{
		{"behind a success", "(sleep 1000 & echo $! > $0; wait) & until test -s $0; do sleep 0.01; done", long, true},
		{"behind a failure", "sleep 1000 & echo $! > $0; exit 1", long, false},
		{"of one that is too late", "sleep 1000 & echo $! > $0; wait", time.Second, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "pid")
			c := script(test.script)
			c.Args = append(c.Args, file)
			begin := time.Now()
			if err := c.Probe(t.Context(), test.limit); (err == nil) != test.ok {
				t.Error(err)
			}
			if took := time.Since(begin); took > long/2 {
				t.Errorf("it took %s", took)
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
			if err != nil {
				t.Fatal(err)
			}
			gone(t, pid)
		})
	}
}

// A process that left the group is not waited for, although it has the pipe.
func TestProbe_anotherSession(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	c := script("setsid sleep 1000 & echo $! > $0; echo said; exit 1")
	c.Args = append(c.Args, file)
	var got *command.Failure
	if err := c.Probe(t.Context(), long); !errors.As(err, &got) || got.Output != "said" {
		t.Errorf("got %#v", err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Error(err)
	}
}

// The end of the context ends the program at once.
func TestProbe_cancelled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	told := errors.New("told")
	file := filepath.Join(t.TempDir(), "pid")
	go func() {
		for {
			if info, err := os.Stat(file); err == nil && info.Size() > 0 {
				break
			}
			time.Sleep(time.Millisecond)
		}
		cancel(told)
	}()
	c := script("trap '' TERM; echo $$ > $0; while :; do sleep 100; done")
	c.Args = append(c.Args, file)
	if err := c.Probe(ctx, long); !errors.Is(err, told) {
		t.Errorf("got %v", err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	gone(t, pid)
}

// asOther makes the test binary another user's program, which probes a program of root and cannot kill it.
const asOther = "COMMAND_TEST_AS_OTHER"

func TestMain(m *testing.M) {
	if os.Getenv(asOther) == "" {
		os.Exit(m.Run())
	}
	c := command.Command{Args: []string{"/usr/bin/setpriv", "--reuid=54321", "--clear-groups", "/bin/sleep", "3"}, Env: []string{"A=1"}, Shown: "sleep"}
	err := c.Probe(context.Background(), time.Second/2)
	fmt.Println(errors.Is(err, service.ErrHopeless), err)
	os.Exit(0)
}

func TestProbe_cannotKill(t *testing.T) {
	needs.Root(t)
	cmd := exec.CommandContext(t.Context(), "/usr/bin/setpriv", "--bounding-set=-kill", "--inh-caps=-kill", os.Args[0])
	cmd.Env = append(os.Environ(), asOther+"=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("true it did not end within 500ms, and it takes the capability KILL to end it\n", string(out)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
