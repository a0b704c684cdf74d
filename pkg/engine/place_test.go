//go:build linux

package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pulpimg/pulpimg/pkg/engine"
	"github.com/pulpimg/pulpimg/pkg/engine/bundle"
	"github.com/pulpimg/pulpimg/test/needs"
)

// Damaged programs are unpacked again.
func TestUnpack_damagedPrograms(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	if err := start(t, engine.Options{CacheDir: cache}).Close(); err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(t *testing.T, program string){
		"cut short": func(t *testing.T, p string) { must(t, os.Truncate(p, 1000)) },
		"gone":      func(t *testing.T, p string) { must(t, os.Remove(p)) },
		"a byte changed, the time put back": func(t *testing.T, p string) {
			flip(t, p)
			must(t, os.Chtimes(p, time.Unix(1, 0), time.Unix(1, 0)))
		},
		"not executable":     func(t *testing.T, p string) { must(t, os.Chmod(p, 0o600)) },
		"others can write":   func(t *testing.T, p string) { must(t, os.Chmod(p, 0o777)) },
		"another's":          func(t *testing.T, p string) { must(t, os.Chown(p, 65534, 65534)) },
		"a link elsewhere":   func(t *testing.T, p string) { must(t, os.Rename(p, p+"2")); must(t, os.Symlink(p+"2", p)) },
		"the folder gone":    func(t *testing.T, p string) { must(t, os.RemoveAll(filepath.Dir(p))) },
		"the folder another": func(t *testing.T, p string) { must(t, os.Chown(filepath.Dir(p), 65534, 65534)) },
	} {
		for _, program := range []string{"buildkitd", "runc"} {
			t.Run(program+" "+name, func(t *testing.T) {
				path := unpacked(t, cache, program)
				want, err := os.ReadFile(path)
				must(t, err)
				damage(t, path)
				e := start(t, engine.Options{CacheDir: cache})
				got, err := os.ReadFile(path)
				must(t, err)
				if !bytes.Equal(got, want) {
					t.Errorf("%s is not repaired", path)
				}
				must(t, e.Close())
			})
		}
	}
}

// Programs that were only moved are not unpacked again.
func TestUnpack_movedPrograms(t *testing.T) {
	cache := t.TempDir()
	must(t, start(t, engine.Options{CacheDir: cache}).Close())
	path := unpacked(t, cache, "buildkitd")
	must(t, os.Chtimes(path, time.Unix(1, 0), time.Unix(1, 0))) // changes the ctime, as a copy of the folder does
	before, err := os.Stat(path)
	must(t, err)
	must(t, start(t, engine.Options{CacheDir: cache}).Close())
	after, err := os.Stat(path)
	must(t, err)
	if !os.SameFile(before, after) {
		t.Error("programs with the right digest were unpacked again")
	}
}

func TestUnpack_severalAtOnce(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	var all []*actor
	for range 4 {
		all = append(all, act(t, roleStart, cache))
	}
	for _, a := range all {
		a.hear(saysReady)
		a.hear(saysClosed)
		if err := a.Wait(); err != nil {
			t.Error(err)
		}
	}
	entries, err := os.ReadDir(filepath.Join(cache, "engine"))
	must(t, err)
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".new") {
			t.Errorf("%s is left", e.Name())
		}
	}
}

// The engine's socket would be in the cache directory, and its path too long, or
// no part of a URL.
func TestStart_anyCacheDirectory(t *testing.T) {
	for name, dir := range map[string]string{
		"long":          strings.Repeat("long/", 40),
		"blanks":        "a folder of mine",
		"not for a URL": "50%?#&",
		"not ASCII":     "Zwischenablage für Bilder",
	} {
		t.Run(name, func(t *testing.T) {
			cache := filepath.Join(t.TempDir(), dir)
			e := start(t, engine.Options{CacheDir: cache})
			mustBuild(t, e.Client())
			other := start(t, engine.Options{Address: e.Address()})
			mustBuild(t, other.Client())
			must(t, e.Close())
			socket := strings.TrimPrefix(e.Address(), "unix://")
			if tmp := filepath.Dir(socket); filepath.Dir(tmp) == "/tmp" {
				if _, err := os.Stat(tmp); err == nil {
					t.Errorf("%s is left", tmp)
				}
			}
		})
	}
}

// The directory of the socket is removed after pulpimg was killed.
func TestStart_removesTheSocketsDirectory(t *testing.T) {
	cache := filepath.Join(t.TempDir(), strings.Repeat("long/", 40))
	before, err := filepath.Glob("/tmp/pulpimg-engine-*")
	must(t, err)
	a := act(t, roleHold, cache)
	a.hear(saysReady)
	a.signal(syscall.SIGKILL)
	a.Wait()
	eventually(t, "the removal of the socket's folder", func() bool {
		after, err := filepath.Glob("/tmp/pulpimg-engine-*")
		must(t, err)
		return len(after) <= len(before)
	})
}

// A cache that cannot be used gives a clear error.
func TestStart_unusableCache(t *testing.T) {
	needs.Root(t)
	// Room for the programs, in pages of 4 KiB as tmpfs counts, and for three small files.
	b, err := bundle.Load()
	must(t, err)
	enough := int64(3 << 12)
	for _, p := range b.Programs {
		enough += (p.Size + 1<<12 - 1) &^ (1<<12 - 1)
	}
	for _, test := range []struct {
		name, options string
		flags         uintptr
		want          []string
	}{
		{"full", "size=16m", 0, []string{"unpacking the engine", "no space left on device"}},
		{"full once unpacked", fmt.Sprintf("size=%d", enough), 0, []string{"did not start", "are free in", "remove"}},
		{"noexec", "size=150m", syscall.MS_NOEXEC, []string{"mounted with noexec"}},
		{"read-only", "size=16m", syscall.MS_RDONLY, []string{"making the embedded engine's directory", "read-only file system"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			cache := t.TempDir()
			must(t, syscall.Mount("tmpfs", cache, "tmpfs", test.flags, test.options))
			t.Cleanup(func() { must(t, syscall.Unmount(cache, 0)) })
			e, err := engine.Start(context.Background(), engine.Options{CacheDir: cache})
			if err == nil {
				must(t, e.Close())
				t.Fatal("no error")
			}
			for _, want := range append(test.want, cache) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error lacks %q: %v", want, err)
				}
			}
			noneLeft(t, cache)
		})
	}
}

// Set-id bits and devices of images work on the mounts that build steps get.
func TestStart_dataMount(t *testing.T) {
	needs.Root(t)
	cache := t.TempDir()
	must(t, syscall.Mount("tmpfs", cache, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, "size=150m"))
	t.Cleanup(func() { must(t, syscall.Unmount(cache, 0)) })
	e := start(t, engine.Options{CacheDir: cache})
	mustBuild(t, e.Client())
	must(t, e.Close())
}

// The host's configuration of BuildKit does not matter.
func TestStart_ignoresTheHostsConfiguration(t *testing.T) {
	a := act(t, roleFooled, t.TempDir(), "BUILDKITD_CONFIG=/nowhere.toml", "BUILDKITD_LOG_LEVEL=none", "OTEL_EXPORTER_OTLP_ENDPOINT=::")
	a.hear(saysReady)
	a.hear(saysClosed)
	if err := a.Wait(); err != nil {
		t.Error(err)
	}
}

// unpacked is where a program is in the cache.
func unpacked(t *testing.T, cache, program string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(cache, "engine", "bin-*", program))
	if err != nil || len(found) != 1 {
		t.Fatalf("want one unpacked %s, found %q, %v", program, found, err)
	}
	return found[0]
}

// flip changes one byte in the middle.
func flip(t *testing.T, name string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	b := make([]byte, 1)
	_, err = f.ReadAt(b, 1<<20)
	must(t, err)
	b[0] ^= 0xff
	_, err = f.WriteAt(b, 1<<20)
	must(t, err)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
