package cachedir_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/pulpimg/pulpimg/internal/cachedir"
)

// filled makes a directory with files on several levels.
func filled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"blobs/sha256/one", "blobs/sha256/.new-1", "ingest/abc/data", "index.json", "published.json"} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, make([]byte, 10_000), 0o444); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(name string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, name[len(dir)+1:])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestEmpty(t *testing.T) {
	dir := filled(t)
	freed, err := cachedir.Empty(t.Context(), dir, "published.json")
	if err != nil {
		t.Fatal(err)
	}
	if freed < 40_000 {
		t.Errorf("freed %d bytes, want those of 4 files", freed)
	}
	if got, want := files(t, dir), []string{".lock", "published.json"}; !slices.Equal(got, want) {
		t.Errorf("left are %v, want %v", got, want)
	}
	if _, err := os.Stat(filepath.Join(dir, "blobs", "sha256")); err != nil {
		t.Errorf("who opened the directory before needs it: %v", err)
	}
}

// Layers of files have a name among the layers and one among the images, and what takes their place is on disk once.
func TestEmpty_hardLinks(t *testing.T) {
	layers, images := filled(t), t.TempDir()
	for _, name := range []string{"one", "other"} {
		if err := os.Link(filepath.Join(layers, "blobs", "sha256", "one"), filepath.Join(images, name)); err != nil {
			t.Fatal(err)
		}
	}
	before, err := cachedir.Usage(t.Context(), layers)
	if err != nil {
		t.Fatal(err)
	}
	freed, err := cachedir.Empty(t.Context(), layers)
	if err != nil {
		t.Fatal(err)
	}
	left, err := cachedir.Usage(t.Context(), images)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := cachedir.Empty(t.Context(), images)
	if err != nil {
		t.Fatal(err)
	}
	if freed+left > before || rest < 10_000 || rest > left {
		t.Errorf("of %d bytes, %d and %d were freed; %d were left in between", before, freed, rest, left)
	}
}

func TestEmpty_inUse(t *testing.T) {
	dir := filled(t)
	var releases []func() error
	for range 2 { // there may be many users
		release, err := cachedir.Use(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		releases = append(releases, release)
	}
	before := files(t, dir)
	for _, release := range releases {
		if _, err := cachedir.Empty(t.Context(), dir); !errors.Is(err, cachedir.ErrInUse) {
			t.Fatalf("got error %v, want %v", err, cachedir.ErrInUse)
		}
		if after := files(t, dir); !slices.Equal(before, after) {
			t.Fatalf("left are %v of %v", after, before)
		}
		if err := release(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := cachedir.Empty(t.Context(), dir); err != nil {
		t.Errorf("nobody uses it any more: %v", err)
	}
}

func TestEmpty_symbolicLinks(t *testing.T) {
	outside := filled(t)
	before := files(t, outside)
	dir := filepath.Join(t.TempDir(), "images")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "blobs")); err != nil {
		t.Fatal(err)
	}
	if _, err := cachedir.Empty(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	link := dir + "-link"
	if err := os.Symlink(outside, link); err != nil {
		t.Fatal(err)
	}
	if _, err := cachedir.Empty(t.Context(), link); err == nil {
		t.Error("a link was emptied")
	}
	if after := files(t, outside); !slices.Equal(before, after) {
		t.Errorf("of %v, which links lead to, left are %v", before, after)
	}
}

func TestUse_waitsForEmpty(t *testing.T) {
	dir := t.TempDir()
	lock := exclusive(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := cachedir.Use(ctx, dir); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want that it waited", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	release, err := cachedir.Use(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
}

func exclusive(t *testing.T, dir string) *flock.Flock {
	t.Helper()
	lock := flock.New(filepath.Join(dir, cachedir.LockName))
	if ok, err := lock.TryLock(); err != nil || !ok {
		t.Fatalf("locking: %v, %v", ok, err)
	}
	return lock
}
