package build

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/internal/cachedir"
)

func TestPrune_freesLayersAndImagesThatNobodyUses(t *testing.T) {
	cache := t.TempDir()
	for _, name := range []string{"layers/blobs/sha256/a", "images/idle/blobs/sha256/a", "images/idle/published.json", "images/used/blobs/sha256/a", "other/file"} {
		name = filepath.Join(cache, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, make([]byte, 10_000), 0o444); err != nil {
			t.Fatal(err)
		}
	}
	release, err := cachedir.Use(t.Context(), filepath.Join(cache, "images/used"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := release(); err != nil {
			t.Error(err)
		}
	}()
	var inUse []string
	freed, err := Cache{Dir: cache}.Prune(t.Context(), func(dir string) { inUse = append(inUse, dir) })
	if err != nil || freed < 20_000 || freed >= 30_000 {
		t.Errorf("freed %d bytes (%v), want those of 2 files", freed, err)
	}
	var left []string
	err = filepath.WalkDir(cache, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && entry.Name() != cachedir.LockName {
			left = append(left, strings.TrimPrefix(name, cache+"/"))
		}
		return err
	})
	if want := []string{"images/idle/published.json", "images/used/blobs/sha256/a", "other/file"}; err != nil || !slices.Equal(left, want) {
		t.Errorf("left are %q (%v), want %q", left, err, want)
	}
	if want := []string{filepath.Join(cache, "images/used")}; !slices.Equal(inUse, want) {
		t.Errorf("in use are %q, want %q", inUse, want)
	}
	if freed, err := (Cache{Dir: filepath.Join(cache, "nothing")}).Prune(t.Context(), func(string) {}); err != nil || freed != 0 {
		t.Errorf("freed %d bytes of nothing (%v)", freed, err)
	}
}
