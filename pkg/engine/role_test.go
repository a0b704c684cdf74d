//go:build linux

package engine_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/moby/buildkit/client"

	"github.com/pulpimg/pulpimg/pkg/engine"
	"github.com/pulpimg/pulpimg/test/needs"
)

// What a process with a role says, a line each.
const (
	saysNotice = "notice: "
	saysReady  = "ready"
	saysAsleep = "asleep" // the build step sleeps
	saysClosed = "closed"
	saysError  = "error: "
)

const (
	roleVar  = "PULPIMG_TEST_ROLE"
	cacheVar = "PULPIMG_TEST_CACHE"
	markVar  = "PULPIMG_TEST_MARK"
)

// Roles of this binary.
const (
	roleStart  = "start"  // starts the engine and closes it
	roleHold   = "hold"   // starts the engine, holds it until a signal, and builds then
	roleSleep  = "sleep"  // starts the engine and a build step that sleeps, until a signal
	roleFooled = "fooled" // as start, on a host whose buildkitd is configured, badly
)

// play is what a small pulpimg would do.
func play(role string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := playWith(ctx, role); err != nil {
		fmt.Println(saysError + strings.ReplaceAll(err.Error(), "\n", "\\n"))
		return 1
	}
	return 0
}

func playWith(ctx context.Context, role string) (err error) {
	if role == roleFooled {
		if err := configureHost(); err != nil {
			return err
		}
	}
	e, err := engine.Start(ctx, engine.Options{
		CacheDir: os.Getenv(cacheVar),
		Notice:   func(s string) { fmt.Println(saysNotice + s) },
	})
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, e.Close())
		fmt.Println(saysClosed)
	}()
	fmt.Println(saysReady)
	switch role {
	case roleHold:
		<-ctx.Done()
		// The engine is still there, for what a pulpimg has to do at its end.
		return step(context.WithoutCancel(ctx), e.Client(), os.Getenv(probeVar), nil, "write", "/out", "1")
	case roleSleep:
		return step(ctx, e.Client(), os.Getenv(probeVar), func(log string) {
			if strings.Contains(log, "asleep") {
				fmt.Println(saysAsleep)
			}
		}, "sleep", os.Getenv(markVar))
	default:
		return step(ctx, e.Client(), os.Getenv(probeVar), nil, "write", "/out", "1")
	}
}

// actor is a process with a role.
type actor struct {
	*exec.Cmd
	t     *testing.T
	lines *bufio.Scanner
}

// act starts a process, in a process group of its own, as a shell does for a terminal's foreground.
func act(t *testing.T, role, cache string, env ...string) *actor {
	t.Helper()
	needs.Root(t)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), append(env, roleVar+"="+role, cacheVar+"="+cache)...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if role == roleFooled {
		cmd.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	a := &actor{Cmd: cmd, t: t, lines: bufio.NewScanner(out)}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return a
}

// hear returns the next line that begins with the prefix. Not to hear it ends the test.
func (a *actor) hear(prefix string) string {
	a.t.Helper()
	var heard []string
	for a.lines.Scan() {
		if rest, ok := strings.CutPrefix(a.lines.Text(), prefix); ok {
			return strings.ReplaceAll(rest, "\\n", "\n")
		}
		heard = append(heard, a.lines.Text())
	}
	a.t.Fatalf("the process ended without saying %q; it said %q", prefix, heard)
	return ""
}

// signal goes to all of the process group, as Ctrl-C does.
func (a *actor) signal(s syscall.Signal) {
	a.t.Helper()
	if err := syscall.Kill(-a.Process.Pid, s); err != nil {
		a.t.Fatal(err)
	}
}

// start is Start with the test's own cache, closed at the end of the test.
func start(t testing.TB, o engine.Options) *engine.Engine {
	t.Helper()
	needs.Root(t)
	e, err := engine.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// mustBuild runs a step on the engine.
func mustBuild(t testing.TB, c *client.Client) {
	t.Helper()
	if err := step(context.Background(), c, os.Getenv(probeVar), nil, "write", "/out", "1"); err != nil {
		t.Fatal(err)
	}
}
