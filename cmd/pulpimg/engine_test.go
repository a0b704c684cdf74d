package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/internal/cachedir"
)

func TestPruneStores_freesLayersAndImagesThatNobodyUses(t *testing.T) {
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
	var said bytes.Buffer
	freed, err := pruneStores(t.Context(), console{err: &said}, cache)
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
	if want := "images/used stays: another command uses it\n"; !strings.HasSuffix(said.String(), want) {
		t.Errorf("it says %q, want %q", said.String(), want)
	}
	if freed, err := pruneStores(t.Context(), console{err: &said}, filepath.Join(cache, "nothing")); err != nil || freed != 0 {
		t.Errorf("freed %d bytes of nothing (%v)", freed, err)
	}
}
