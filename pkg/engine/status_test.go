//go:build linux

package engine_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/engine"
	"github.com/pulpimg/pulpimg/pkg/engine/bundle"
)

// Status starts nothing and leaves nothing.
func TestStatus_changesNothing(t *testing.T) {
	if _, err := bundle.Load(); errors.Is(err, bundle.ErrEmpty) {
		t.Skip("the engine was not built, which make engine does; make test has it")
	}
	cache := filepath.Join(t.TempDir(), "cache")
	got := status(t, engine.Options{CacheDir: cache})
	want := &engine.Info{
		Kind:      engine.Embedded,
		Dir:       filepath.Join(cache, "engine"),
		BuildKit:  "v0.34.2",
		Runc:      "v1.5.2",
		Platforms: got.Platforms,
		// Whether the engine could run depends on the user and the machine.
		Mode: got.Mode, Unusable: got.Unusable,
	}
	if os.Geteuid() == 0 && got.Mode != engine.Root {
		t.Errorf("for root, the mode is %q", got.Mode)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status of an engine that never ran (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(cache); err == nil {
		t.Error("asking for the status made the cache directory")
	}
}

// Status reports who runs the engine, and how much disk it takes.
func TestStatus_running(t *testing.T) {
	cache := t.TempDir()
	e := start(t, engine.Options{CacheDir: cache})
	got := status(t, engine.Options{CacheDir: cache})
	if !got.Running || got.PID != os.Getpid() {
		t.Errorf("running %t by process %d, want true, by %d", got.Running, got.PID, os.Getpid())
	}
	if least := int64(50 << 20); got.DiskUsage < least {
		t.Errorf("takes %d bytes, want more than the %d of its programs", got.DiskUsage, least)
	}
	platforms, err := e.Platforms(context.Background())
	must(t, err)
	if diff := cmp.Diff(platforms, got.Platforms); diff != "" {
		t.Errorf("the platforms of the status differ from the engine's own (-engine +status):\n%s", diff)
	}
	if len(platforms) == 0 || platforms[0].OS != "linux" || platforms[0].Architecture != runtime.GOARCH {
		t.Errorf("the platforms are %v, want linux/%s first", platforms, runtime.GOARCH)
	}
	must(t, e.Close())
	if got := status(t, engine.Options{CacheDir: cache}); got.Running || got.PID != 0 {
		t.Errorf("a closed engine runs: %t, by process %d", got.Running, got.PID)
	}
}

func TestStatus_remote(t *testing.T) {
	far := start(t, engine.Options{CacheDir: t.TempDir()})
	mustBuild(t, far.Client())
	platforms, err := far.Platforms(context.Background())
	must(t, err)
	got := status(t, engine.Options{Address: far.Address()})
	want := &engine.Info{
		Kind:      engine.Remote,
		Address:   far.Address(),
		BuildKit:  "v0.34.2",
		Running:   true,
		DiskUsage: got.DiskUsage,
		Platforms: platforms,
		Records:   got.Records,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status of a remote engine (-want +got):\n%s", diff)
	}
	if got.DiskUsage == 0 {
		t.Error("its cache takes no space after a build")
	}
}

func TestStatus_noAnswer(t *testing.T) {
	_, err := engine.Status(context.Background(), engine.Options{Address: "unix:///nowhere/buildkitd.sock"})
	if !errors.Is(err, engine.ErrUnreachable) {
		t.Errorf("got the error %v, want %v", err, engine.ErrUnreachable)
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	const size = 20 << 20
	cache := t.TempDir()
	old := filepath.Join(cache, "engine", "bin-0123456789abcdef")
	must(t, os.MkdirAll(old, 0o700))
	must(t, os.WriteFile(filepath.Join(old, "buildkitd"), make([]byte, 1<<20), 0o700))
	e := start(t, engine.Options{CacheDir: cache})
	must(t, step(context.Background(), e.Client(), os.Getenv(probeVar), nil, "write", "/out", "20971520"))
	must(t, e.Close())

	before := status(t, engine.Options{CacheDir: cache}).DiskUsage
	freed, err := engine.Prune(context.Background(), engine.Options{CacheDir: cache})
	must(t, err)
	if freed < size+1<<20 {
		t.Errorf("freed %d bytes, want at least the %d that a step wrote and those of an old program", freed, size)
	}
	if now := status(t, engine.Options{CacheDir: cache}).DiskUsage; now > before-size {
		t.Errorf("the directory takes %d bytes, %d before", now, before)
	}
	if _, err := os.Stat(old); err == nil {
		t.Errorf("%s is left", old)
	}
	mustBuild(t, start(t, engine.Options{CacheDir: cache}).Client())
}

// Reduce keeps what fits, and what is young enough.
func TestReduce(t *testing.T) {
	t.Parallel()
	const size = 20 << 20
	e := start(t, engine.Options{CacheDir: t.TempDir()})
	for _, out := range []string{"/one", "/other"} {
		must(t, step(t.Context(), e.Client(), os.Getenv(probeVar), nil, "write", out, "20971520"))
	}
	stored := func() (total int64) {
		records, err := e.Records(t.Context())
		must(t, err)
		for _, r := range records {
			if age := time.Since(r.LastUsed); age < 0 || age > time.Hour {
				t.Errorf("a record was last used at %v", r.LastUsed)
			}
			total += r.Size
		}
		return total
	}
	before := stored()
	if before < 2*size {
		t.Fatalf("two steps wrote %d bytes each, and the engine stores %d", size, before)
	}
	for _, c := range []struct {
		name      string
		limits    engine.Limits
		least     int64
		most      int64
		freesMore bool
	}{
		{"all fits and is young", engine.Limits{Unused: time.Hour, Size: before}, before, before, false},
		{"no bound", engine.Limits{Size: -1}, before, before, false},
		{"one fits", engine.Limits{Size: before - size/2}, size, before - size/2, true},
		{"all is too old", engine.Limits{Unused: time.Nanosecond, Size: -1}, 0, 0, true},
	} {
		// The engine releases the result of a build in its own time.
		var freed int64
		eventually(t, c.name, func() bool {
			n, err := e.Reduce(t.Context(), c.limits)
			must(t, err)
			freed += n
			return stored() <= c.most
		})
		if now := stored(); now < c.least || c.freesMore == (freed == 0) {
			t.Errorf("%s: freed %d, and %d are left, want at least %d", c.name, freed, now, c.least)
		}
	}
}

// Prune frees the cache of a remote engine.
func TestPrune_remote(t *testing.T) {
	far := start(t, engine.Options{CacheDir: t.TempDir()})
	mustBuild(t, far.Client())
	var freed int64
	// The engine releases the result of the build in its own time.
	eventually(t, "an empty cache", func() bool {
		n, err := engine.Prune(context.Background(), engine.Options{Address: far.Address()})
		must(t, err)
		freed += n
		return status(t, engine.Options{Address: far.Address()}).DiskUsage == 0
	})
	if freed == 0 {
		t.Error("freed nothing, and the cache is empty")
	}
}

func status(t *testing.T, o engine.Options) *engine.Info {
	t.Helper()
	info, err := engine.Status(context.Background(), o)
	must(t, err)
	return info
}
