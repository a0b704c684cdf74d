package build

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pulpimg/pulpimg/internal/cachedir"
)

func TestCollect(t *testing.T) {
	for _, c := range []struct {
		name string
		size int64
		left string
	}{
		{"all of it fits", 13 * mb, "4 layers d0-gone d1 d2 d3"},
		// 12 MB are there. A tenth is freed in addition.
		{"no more than is needed", 11*mb + mb/2, "3 layers d1 d2 d3"},
		{"almost all", 2*mb + mb/2, "1 layers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cache, _ := newKept(t)
			freed, err := cache.Collect(t.Context(), c.size)
			if left := cache.left(t); err != nil || left != c.left || (freed == 0) != (c.size > 12*mb) {
				t.Errorf("freed %d (%v), and %s are left, want %s", freed, err, left, c.left)
			}
			if freed, err := cache.Collect(t.Context(), c.size); err != nil || freed != 0 {
				t.Errorf("freed %d again (%v)", freed, err)
			}
		})
	}
}

// The build that collects has its layout open, and others may have theirs.
func TestCollect_inUse(t *testing.T) {
	cache, _ := newKept(t)
	release, err := cachedir.Use(t.Context(), filepath.Join(cache.Dir, imagesDir, "d2"+layoutSuffix()))
	noError(t, err)
	defer func() { noError(t, release()) }()
	_, err = cache.Collect(t.Context(), 1)
	if left := cache.left(t); err != nil || left != "0 layers d2" {
		t.Errorf("%s are left (%v)", left, err)
	}
}

// Only what changed is measured, so a file in a directory whose blobs did not change is not noticed.
func TestCollect_measuresWhatChanged(t *testing.T) {
	cache, _ := newKept(t)
	collect := func(want bool) {
		t.Helper()
		if freed, err := cache.Collect(t.Context(), 20*mb); err != nil || (freed > 0) != want {
			t.Errorf("freed %d (%v)", freed, err)
		}
	}
	collect(false)
	blobs := filepath.Join(cache.Dir, imagesDir, "d1"+layoutSuffix(), "blobs", "sha256")
	before := modified(t, blobs)
	noError(t, os.WriteFile(filepath.Join(blobs, "more"), make([]byte, 10*mb), 0o600))
	noError(t, os.Chtimes(blobs, before, before))
	collect(false)
	noError(t, os.Chtimes(blobs, time.Now(), time.Now()))
	collect(true)
}

func TestCollect_unreadableSizes(t *testing.T) {
	for _, content := range []string{"", "{", `{"format":99,"dirs":{"layers":{"modified":1,"bytes":1}}}`} {
		cache, _ := newKept(t)
		noError(t, os.WriteFile(filepath.Join(cache.Dir, sizesFile), []byte(content), 0o600))
		if freed, err := cache.Collect(t.Context(), 11*mb); err != nil || freed == 0 {
			t.Errorf("%q: freed %d (%v)", content, freed, err)
		}
	}
	if freed, err := (Cache{Dir: filepath.Join(t.TempDir(), "nothing")}).Collect(t.Context(), 1); err != nil || freed != 0 {
		t.Errorf("of nothing: freed %d (%v)", freed, err)
	}
}

func BenchmarkCollect_nothingToDo(b *testing.B) {
	cache := Cache{Dir: b.TempDir()}
	for i := range 1000 {
		dir := filepath.Join(cache.Dir, imagesDir, time.Duration(i).String(), "blobs", "sha256")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, err := cache.Collect(b.Context(), DefaultSize); err != nil {
			b.Fatal(err)
		}
	}
}
