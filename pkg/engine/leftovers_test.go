//go:build linux

package engine_test

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pulpimg/pulpimg/internal/cachedir"
	"github.com/pulpimg/pulpimg/pkg/engine"
	"github.com/pulpimg/pulpimg/test/needs"
)

func TestStart_removesLeftovers(t *testing.T) {
	cache := t.TempDir()
	must(t, start(t, engine.Options{CacheDir: cache}).Close())
	left := []string{
		"engine/state/runc-overlayfs/content/ingest/0123/data",
		"engine/state/runc-overlayfs/executor/abc/config.json",
		"engine/state/cache.db.abc.bak",
		"engine/state.removed/cache.db",
		"engine/bin-0123456789abcdef.new/buildkitd",
	}
	for _, name := range left {
		name = filepath.Join(cache, name)
		must(t, os.MkdirAll(filepath.Dir(name), 0o700))
		must(t, os.WriteFile(name, []byte("left"), 0o600))
	}
	mustBuild(t, start(t, engine.Options{CacheDir: cache}).Client())
	for _, name := range left {
		if _, err := os.Stat(filepath.Join(cache, name)); err == nil {
			t.Errorf("%s is left", name)
		}
	}
}

func TestStart_replacesADamagedState(t *testing.T) {
	for _, test := range []struct {
		name, file string
		spoil      func(t *testing.T, name string)
	}{
		{"cut off when the disk was full", "runc-overlayfs/containerdmeta.db", func(t *testing.T, name string) { must(t, os.Truncate(name, 8192)) }},
		{"other bytes", "runc-overlayfs/containerdmeta.db", func(t *testing.T, name string) { overwrite(t, name, 0, random(8192)) }},
		{"zeros", "runc-overlayfs/containerdmeta.db", zeros},
		{"zeros in another file", "runc-overlayfs/metadata_v2.db", zeros},
	} {
		t.Run(test.name, func(t *testing.T) {
			cache := t.TempDir()
			first := start(t, engine.Options{CacheDir: cache})
			mustBuild(t, first.Client())
			must(t, first.Close())
			test.spoil(t, filepath.Join(cache, "engine", "state", test.file))
			var notices []string
			e := start(t, engine.Options{CacheDir: cache, Notice: func(line string) { notices = append(notices, line) }})
			mustBuild(t, e.Client())
			if len(notices) != 1 || !strings.Contains(notices[0], "cannot be read") {
				t.Errorf("the user was told %q", notices)
			}
		})
	}
}

// zeros leaves of a database what says where the rest is, and of that nothing.
func zeros(t *testing.T, name string) {
	t.Helper()
	info, err := os.Stat(name)
	must(t, err)
	const meta = 2 * 4096
	overwrite(t, name, meta, make([]byte, info.Size()-meta))
}

func overwrite(t *testing.T, name string, at int64, data []byte) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt(data, at)
	must(t, errors.Join(err, f.Close()))
}

func random(n int) []byte {
	data := make([]byte, n)
	_, _ = rand.Read(data) // it never fails
	return data
}

// Prune has to work where nothing can be written any more.
func TestPrune_fullDisk(t *testing.T) {
	needs.Root(t)
	cache := t.TempDir()
	must(t, syscall.Mount("tmpfs", cache, "tmpfs", 0, "size=150m"))
	t.Cleanup(func() { must(t, syscall.Unmount(cache, 0)) })
	e := start(t, engine.Options{CacheDir: cache})
	mustBuild(t, e.Client())
	must(t, e.Close())
	fill(t, filepath.Join(cache, "engine", "state", "filler"))
	freed, err := engine.Prune(context.Background(), engine.Options{CacheDir: cache})
	must(t, err)
	if freed < 10<<20 {
		t.Errorf("freed %d bytes, want at least those that filled the disk", freed)
	}
	mustBuild(t, start(t, engine.Options{CacheDir: cache}).Client())
}

// Where there is no lock yet and no place for one, nobody can use the engine.
func TestPrune_noSpaceForALock(t *testing.T) {
	needs.Root(t)
	cache := t.TempDir()
	must(t, syscall.Mount("tmpfs", cache, "tmpfs", 0, "nr_inodes=4")) // for itself, engine, state and the file
	t.Cleanup(func() { must(t, syscall.Unmount(cache, 0)) })
	must(t, os.MkdirAll(filepath.Join(cache, "engine", "state"), 0o700))
	must(t, os.WriteFile(filepath.Join(cache, "engine", "state", "file"), make([]byte, 1<<20), 0o600))
	if err := os.WriteFile(filepath.Join(cache, "engine", "lock"), nil, 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("there is a place for a lock: %v", err)
	}
	freed, err := engine.Prune(context.Background(), engine.Options{CacheDir: cache})
	must(t, err)
	if freed < 1<<20 {
		t.Errorf("freed %d bytes, want at least those of the file", freed)
	}
}

// fill writes a file until the disk is full.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	must(t, err)
	block := make([]byte, 1<<20)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	must(t, f.Close())
}

// What another user can exchange would be run as root.
func TestStart_unsafeCache(t *testing.T) {
	needs.Root(t)
	for _, test := range []struct {
		name string
		make func(t *testing.T, home string)
	}{
		{"a home that sudo -E kept", func(t *testing.T, home string) { must(t, os.Chown(home, 65534, 65534)) }},
		{"everybody may write there", func(t *testing.T, home string) { must(t, os.Chmod(home, 0o777)) }},
		{"a link for the engine's directory", func(t *testing.T, home string) {
			must(t, os.Mkdir(filepath.Join(home, "pulpimg"), 0o755))
			must(t, os.Symlink(t.TempDir(), filepath.Join(home, "pulpimg", "engine")))
		}},
		{"a link for its state", func(t *testing.T, home string) {
			must(t, os.MkdirAll(filepath.Join(home, "pulpimg", "engine"), 0o755))
			must(t, os.Symlink(t.TempDir(), filepath.Join(home, "pulpimg", "engine", "state")))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			home := filepath.Join(t.TempDir(), "home")
			must(t, os.Mkdir(home, 0o755))
			test.make(t, home)
			o := engine.Options{CacheDir: filepath.Join(home, "pulpimg")}
			var unsafe *cachedir.UnsafeError
			e, err := engine.Start(context.Background(), o)
			if !errors.As(err, &unsafe) {
				t.Errorf("started with error %v", err)
			}
			if err == nil {
				must(t, e.Close())
			}
			if _, err := engine.Prune(context.Background(), o); !errors.As(err, &unsafe) {
				t.Errorf("pruned with error %v", err)
			}
		})
	}
}
