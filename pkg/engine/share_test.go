//go:build linux

package engine_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pulpimg/pulpimg/pkg/engine"
	"github.com/pulpimg/pulpimg/pkg/registries"
	"github.com/pulpimg/pulpimg/test/needs"
)

// Several use one engine, and it ends with the last of them.
func TestStart_shared(t *testing.T) {
	cache := t.TempDir()
	first := start(t, engine.Options{CacheDir: cache})
	second := start(t, engine.Options{CacheDir: cache, Notice: func(line string) { t.Errorf("the second one says %q", line) }})
	if first.Address() != second.Address() {
		t.Errorf("there are two engines, at %s and %s", first.Address(), second.Address())
	}
	if n := len(running(t, cache, "buildkitd")); n != 1 {
		t.Errorf("%d engines run", n)
	}
	began := time.Now()
	must(t, first.Close())
	if waited := time.Since(began); waited > 2*time.Second {
		t.Errorf("who leaves the engine to others waits for %s", waited)
	}
	if err := first.Err(); err != nil {
		t.Errorf("who left the engine has the error %v", err)
	}
	mustBuild(t, second.Client())
	if err := second.Err(); err != nil {
		t.Errorf("an engine that runs has the error %v", err)
	}
	must(t, second.Close())
	noneLeft(t, cache)
}

// The engine goes on for others when the process that started it is killed.
func TestStart_starterIsKilled(t *testing.T) {
	cache := t.TempDir()
	a := act(t, roleHold, cache)
	a.hear(saysReady)
	e := start(t, engine.Options{CacheDir: cache})
	a.signal(syscall.SIGKILL)
	if err := a.Wait(); err == nil {
		t.Error("the killed process ended well")
	}
	mustBuild(t, e.Client())
	must(t, e.Close())
	noneLeft(t, cache)
}

// Who comes while the engine ends gets another one.
func TestStart_whileItEnds(t *testing.T) {
	cache := t.TempDir()
	a := act(t, roleHold, cache)
	a.hear(saysReady)
	signalAll(t, running(t, cache, "buildkitd"), syscall.SIGSTOP) // so that it takes engine-init's whole patience
	a.signal(syscall.SIGKILL)
	a.Wait()
	eventually(t, "the lock of the users is taken", func() bool { return !canShare(t, cache) })
	e := start(t, engine.Options{CacheDir: cache})
	mustBuild(t, e.Client())
	must(t, e.Close())
	noneLeft(t, cache)
}

// canShare reports whether the lock of the engine's users can be shared.
func canShare(t *testing.T, cache string) bool {
	t.Helper()
	f, err := os.Open(cache + "/engine/users")
	must(t, err)
	defer f.Close()
	query := syscall.Flock_t{Type: syscall.F_RDLCK}
	must(t, syscall.FcntlFlock(f.Fd(), 36, &query)) // F_OFD_GETLK
	return query.Type == syscall.F_UNLCK
}

// Many processes at once, of which nobody has started an engine yet.
func TestStart_manyAtOnce(t *testing.T) {
	needs.Root(t)
	cache := t.TempDir()
	for range 3 {
		var group sync.WaitGroup
		for range 12 {
			group.Go(func() {
				e, err := engine.Start(context.Background(), engine.Options{CacheDir: cache})
				if err != nil {
					t.Error(err)
					return
				}
				if err := step(context.Background(), e.Client(), os.Getenv(probeVar), func(string) {}, "true"); err != nil {
					t.Error(err)
				}
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		noneLeft(t, cache)
	}
}

// Who wants an engine with other settings waits, and says so once.
func TestStart_otherSettings(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("CONTAINERS_REGISTRIES_CONF", "/dev/null")
	none := func(string) string { return "" }
	plain, err := registries.Load(registries.Options{PlainHTTP: []string{"registry.test"}, Root: t.TempDir(), Getenv: none})
	if err != nil {
		t.Fatal(err)
	}
	first := start(t, engine.Options{CacheDir: cache})
	var notices []string
	ctx, cancel := context.WithCancelCause(context.Background())
	reason := errors.New("the user changed their mind")
	_, err = engine.Start(ctx, engine.Options{CacheDir: cache, Registries: plain, Notice: func(line string) {
		notices = append(notices, line)
		time.AfterFunc(100*time.Millisecond, func() { cancel(reason) })
	}})
	if !errors.Is(err, reason) {
		t.Errorf("got the error %v, want the context's", err)
	}
	if len(notices) != 1 || !strings.Contains(notices[0], "uses the engine; waiting for it") {
		t.Errorf("it says %q, want once that it waits", notices)
	}
	mustBuild(t, first.Client())
	time.AfterFunc(200*time.Millisecond, func() { _ = first.Close() })
	second := start(t, engine.Options{CacheDir: cache, Registries: plain})
	mustBuild(t, second.Client())
	// The first one's settings are a part of these.
	third := start(t, engine.Options{CacheDir: cache})
	if third.Address() != second.Address() {
		t.Error("the third one does not use the engine of the second")
	}
}
