package layer_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pulpimg/pulpimg/internal/layer"
)

// setAge makes all files of a store look as if they were last used so long ago.
func setAge(t *testing.T, dir string, age time.Duration) {
	t.Helper()
	then := time.Now().Add(-age)
	err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chtimes(name, then, then)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func regularFiles(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// kept returns the layers of a store that were used within an hour, and the others.
func kept(t *testing.T, dir string) (young, old []*layer.Kept) {
	t.Helper()
	all, err := layer.Look(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range all {
		switch {
		case !k.IsLayer:
			t.Errorf("a file that belongs to no layer: %+v", k)
		case time.Since(k.LastUsed) < time.Hour:
			young = append(young, k)
		default:
			old = append(old, k)
		}
	}
	return young, old
}

func TestLook_layers(t *testing.T) {
	dir := t.TempDir()
	one := []layer.File{file("/one", strings.Repeat("one ", 10_000))}
	add(t, dir, options, one...)
	add(t, dir, options, file("/two", "two"))
	setAge(t, dir, 24*time.Hour)
	if again := add(t, dir, options, one...); !again.Known {
		t.Error("the layer was written again")
	}
	young, old := kept(t, dir)
	if len(young) != 1 || len(old) != 1 {
		t.Fatalf("%d layers were used and %d were not, want one of each", len(young), len(old))
	}
	for _, c := range []struct {
		name string
		kept *layer.Kept
		left int // layers
	}{{"the one that was not used", old[0], 1}, {"the last one", young[0], 0}} {
		freed, err := c.kept.Remove()
		if err != nil || freed == 0 {
			t.Errorf("%s: freed %d (%v)", c.name, freed, err)
		}
		if young, old = kept(t, dir); len(young) != c.left || len(old) != 0 {
			t.Errorf("%s: %d and %d layers are left", c.name, len(young), len(old))
		}
	}
	if left := regularFiles(t, dir); len(left) > 0 {
		t.Errorf("these files are left: %q", left)
	}
	if again := add(t, dir, options, one...); again.Known {
		t.Error("the layer was known after its removal")
	}
}

func TestKept_staysWhenItWasUsed(t *testing.T) {
	dir := t.TempDir()
	add(t, dir, options, file("/one", "one"))
	setAge(t, dir, 24*time.Hour)
	_, old := kept(t, dir)
	add(t, dir, options, file("/one", "one"))
	if freed, err := old[0].Remove(); err != nil || freed != 0 {
		t.Errorf("freed %d (%v)", freed, err)
	}
	if young, _ := kept(t, dir); len(young) != 1 {
		t.Errorf("%d layers are left", len(young))
	}
}

func TestKept_shared(t *testing.T) {
	dir := t.TempDir()
	made := add(t, dir, options, file("/one", "one"))
	young, _ := kept(t, dir)
	if young[0].Shared() {
		t.Error("nobody else has it")
	}
	blob := filepath.Join(dir, "blobs", "sha256", made.Blob.Digest.Encoded())
	if err := os.Link(blob, filepath.Join(t.TempDir(), "image")); err != nil {
		t.Fatal(err)
	}
	if !young[0].Shared() {
		t.Error("an image has it as well")
	}
}

// What cannot be understood is a thing of its own, with an age.
func TestLook_otherFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"keys/dangling", "gzip-v1/damaged", "stat/folder", "blobs/sha256/nobodys"} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("x"), 0o444); err != nil {
			t.Fatal(err)
		}
	}
	all, err := layer.Look(t.Context(), dir)
	if err != nil || len(all) != 4 {
		t.Fatalf("got %d things (%v), want 4", len(all), err)
	}
	for _, k := range all {
		if _, err := k.Remove(); err != nil || k.IsLayer {
			t.Errorf("%+v (%v)", k, err)
		}
	}
	if left := regularFiles(t, dir); len(left) > 0 {
		t.Errorf("these files are left: %q", left)
	}
}
