package layer_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/pulpimg/pulpimg/internal/layer"
)

func openStore(t *testing.T, dir string) *layer.Store {
	t.Helper()
	store, err := layer.OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// What an image was built from is what went into it, and not what the file is when the build ends.
func TestSum_ofFileInLayer(t *testing.T) {
	folder, dir := t.TempDir(), t.TempDir()
	put(t, folder, "a", "first")
	f := fromDisk(t, folder, "a", new(atomic.Int32))
	store := openStore(t, dir)
	sumIn := func(store *layer.Store, f layer.File) [32]byte {
		t.Helper()
		sum, err := store.Sum(t.Context(), f.Source, f.Open)
		if err != nil {
			t.Fatal(err)
		}
		return [32]byte(sum)
	}
	if got := sumIn(store, f); got != sha256.Sum256([]byte("first")) {
		t.Error("a file in no layer has another digest than what is on disk")
	}
	entries, err := layer.Entries(t.Context(), layer.Empty{}, []layer.File{f})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Add(t.Context(), entries, options); err != nil {
		t.Fatal(err)
	}
	put(t, folder, "a", "other")
	changed := fromDisk(t, folder, "a", new(atomic.Int32))
	if got := sumIn(store, changed); got != sha256.Sum256([]byte("first")) {
		t.Error("a file that changed after it went into a layer has another digest than the one in the layer")
	}
	if got := sumIn(openStore(t, dir), changed); got != sha256.Sum256([]byte("other")) {
		t.Error("a later command does not notice that the file changed")
	}
	entries[0].Source, entries[0].Open = changed.Source, changed.Open
	if _, err := store.Add(t.Context(), entries, options); err == nil {
		t.Error("a file went into two layers with different contents, and nobody hears of it")
	}
}

func TestSum_interrupted(t *testing.T) {
	folder := t.TempDir()
	put(t, folder, "a", "content")
	f := fromDisk(t, folder, "a", new(atomic.Int32))
	interrupted := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	open := func() (io.ReadCloser, error) {
		cancel(interrupted)
		return os.Open(filepath.Join(folder, "a"))
	}
	if _, err := openStore(t, t.TempDir()).Sum(ctx, f.Source, open); !errors.Is(err, interrupted) {
		t.Errorf("got error %v, want the cause of the context's end", err)
	}
}
