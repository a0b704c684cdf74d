//go:build linux

package engine_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/pulpimg/pulpimg/pkg/engine"
	"github.com/pulpimg/pulpimg/test/needs"
)

// Start returns a client that can build, and Close leaves nothing running.
func TestStart(t *testing.T) {
	cache := t.TempDir()
	e := start(t, engine.Options{CacheDir: cache})
	if e.Kind() != engine.Embedded {
		t.Errorf("kind %q, want %q", e.Kind(), engine.Embedded)
	}
	mustBuild(t, e.Client())
	if len(processes(t, cache)) == 0 {
		t.Error("no process of the engine is seen while it runs, so that none is seen later proves nothing")
	}
	if m := mounts(t, cache); len(m) > 0 {
		t.Errorf("the engine's mounts are seen outside of it: %q", m)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	noneLeft(t, cache)
	if err := e.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
	if err := e.Err(); err != nil {
		t.Errorf("an engine that was closed has the error %v", err)
	}
}

// Close ends a build that still runs.
func TestClose_runningBuild(t *testing.T) {
	cache, mark := t.TempDir(), "mark-close-"+filepath.Base(t.TempDir())+t.Name()
	e := start(t, engine.Options{CacheDir: cache})
	built := make(chan error, 1)
	asleep := make(chan struct{}, 1)
	go func() {
		built <- step(context.Background(), e.Client(), os.Getenv(probeVar), func(string) { asleep <- struct{}{} }, "sleep", mark)
	}()
	<-asleep
	if n := len(processes(t, mark)); n == 0 {
		t.Error("the build step's processes are not seen while they run")
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if err := <-built; err == nil {
		t.Error("a build that was cut off reported success")
	}
	noneLeft(t, cache, mark)
}

// Whatever ends pulpimg in the middle of a build step, the engine, the step and
// what the step started in the background end too, and the next one works.
func TestStart_processEnded(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		signal syscall.Signal
		status string // of the process
	}{
		{syscall.SIGKILL, "signal: killed"},
		{syscall.SIGTERM, "exit status 1"},
		{syscall.SIGINT, "exit status 1"},
		{syscall.SIGHUP, "signal: hangup"}, // not asked for by the process: no defer runs
	} {
		t.Run(test.signal.String(), func(t *testing.T) {
			cache, mark := t.TempDir(), "mark-"+strconv.Itoa(int(test.signal))+"-"+strconv.Itoa(os.Getpid())
			a := act(t, roleSleep, cache, markVar+"="+mark)
			a.hear(saysAsleep)
			if n := len(processes(t, mark)); n < 2 {
				t.Errorf("%d processes of the build step are seen while it runs, want it and its child", n)
			}
			a.signal(test.signal)
			if test.signal == syscall.SIGTERM || test.signal == syscall.SIGINT {
				a.hear(saysClosed)
				noneLeft(t, cache, mark)
			}
			if err := a.Wait(); err == nil || err.Error() != test.status {
				t.Errorf("the process ended with %v, want %s", err, test.status)
			}
			eventually(t, "the end of the engine", func() bool {
				return len(processes(t, cache))+len(processes(t, mark)) == 0
			})
			mustBuild(t, start(t, engine.Options{CacheDir: cache}).Client())
		})
	}
}

// After Ctrl-C, pulpimg decides how the engine ends.
func TestStart_ctrlC(t *testing.T) {
	cache := t.TempDir()
	a := act(t, roleHold, cache)
	a.hear(saysReady)
	a.signal(syscall.SIGINT)
	a.hear(saysClosed)
	if err := a.Wait(); err != nil {
		t.Errorf("the engine ended before pulpimg ended it: %v", err)
	}
	noneLeft(t, cache)
}

// A cancelled start leaves nothing.
func TestStart_cancelled(t *testing.T) {
	cache := t.TempDir()
	// Unpacked before, so that the context ends while buildkitd comes up.
	if err := start(t, engine.Options{CacheDir: cache}).Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		for len(processes(t, cache)) == 0 {
		}
	}()
	_, err := engine.Start(ctx, engine.Options{CacheDir: cache})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got the error %v, want %v", err, context.Canceled)
	}
	noneLeft(t, cache)
	mustBuild(t, start(t, engine.Options{CacheDir: cache}).Client())
}

// The error for an engine that dies shows its log.
func TestErr_showsTheLog(t *testing.T) {
	cache := t.TempDir()
	e := start(t, engine.Options{CacheDir: cache})
	if err := e.Err(); err != nil {
		t.Errorf("a running engine has the error %v", err)
	}
	signalAll(t, running(t, cache, "buildkitd"), syscall.SIGKILL)
	eventually(t, "an error of the engine", func() bool { return e.Err() != nil })
	for _, want := range []string{"ended unexpectedly", "buildkitd.log", "running server on"} {
		if !strings.Contains(e.Err().Error(), want) {
			t.Errorf("the error lacks %q: %v", want, e.Err())
		}
	}
	noneLeft(t, cache)
}

// When process 1 of the namespace ends, everything in it ends.
func TestStart_process1Ends(t *testing.T) {
	cache, mark := t.TempDir(), "mark-init-"+strconv.Itoa(os.Getpid())
	e := start(t, engine.Options{CacheDir: cache})
	built := make(chan error, 1)
	asleep := make(chan struct{}, 1)
	go func() {
		built <- step(context.Background(), e.Client(), os.Getenv(probeVar), func(string) { asleep <- struct{}{} }, "sleep", mark)
	}()
	<-asleep
	signalAll(t, running(t, cache, "engine-init"), syscall.SIGKILL)
	if err := <-built; err == nil {
		t.Error("a build that was cut off reported success")
	}
	eventually(t, "an error of the engine", func() bool { return e.Err() != nil })
	noneLeft(t, cache, mark)
}

func TestStart_showsTheLog(t *testing.T) {
	needs.Root(t)
	cache := t.TempDir()
	// buildkitd wants a directory here.
	if err := os.MkdirAll(filepath.Join(cache, "engine"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cache, "engine", "state"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := engine.Start(context.Background(), engine.Options{CacheDir: cache})
	if err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("got the error %v, want buildkitd's own words", err)
	}
	noneLeft(t, cache)
}
