package layout_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/internal/cachedir"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

var owner = layout.Owner{Family: "shop", Spec: "/specs/shop.yaml"}

// unused makes a layout with so many builds, which nobody has used for a day.
func unused(t *testing.T, builds int) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "layout")
	l, err := layout.Open(t.Context(), dir)
	must(t, err)
	l.SetOwner(owner)
	for i := range builds {
		add(t, l, combine(t, l, "one", manifest(t, l, "amd64", fmt.Sprint(i)), manifest(t, l, "arm64", "all")))
	}
	must(t, l.Close())
	makeOld(t, dir)
	return dir
}

func makeOld(t *testing.T, dir string) {
	t.Helper()
	yesterday := time.Now().Add(-24 * time.Hour)
	for _, name := range []string{layout.SpecFile, "index.json"} {
		must(t, os.Chtimes(filepath.Join(dir, name), yesterday, yesterday))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func look(t *testing.T, dir string) layout.Kept {
	t.Helper()
	k, err := layout.Look(dir)
	must(t, err)
	return k
}

func TestLook(t *testing.T) {
	dir := unused(t, 2)
	k := look(t, dir)
	if k.Owner != owner || len(k.Builds) != 2 || time.Since(k.LastUsed) < 23*time.Hour {
		t.Errorf("got %+v", k)
	}
	l := open(t, dir)
	l.SetOwner(owner)
	if k = look(t, dir); time.Since(k.LastUsed) > time.Hour {
		t.Errorf("it is in use, and was last used at %v", k.LastUsed)
	}
	moved := layout.Owner{Family: "shop", Spec: "/moved.yaml"}
	l.SetOwner(moved)
	if k = look(t, dir); k.Owner != moved {
		t.Errorf("it is of %v, want %v", k.Owner, moved)
	}
}

func TestLook_unknown(t *testing.T) {
	const later = `{"format":2,"place":"elsewhere"}`
	for _, c := range []struct {
		name, spec string
		kept       bool
		want       layout.Owner
	}{
		{"a record of a later version stays", later, true, layout.Owner{}},
		{"a damaged record is replaced", `{"form`, false, owner},
		{"an empty record is replaced", "", false, owner},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := unused(t, 1)
			name := filepath.Join(dir, layout.SpecFile)
			must(t, os.WriteFile(name, []byte(c.spec), 0o644))
			makeOld(t, dir)
			if k := look(t, dir); k.Owner != (layout.Owner{}) || len(k.Builds) != 1 {
				t.Errorf("got %+v", k)
			}
			open(t, dir).SetOwner(owner)
			k := look(t, dir)
			if data, err := os.ReadFile(name); err != nil || (string(data) == c.spec) != c.kept || k.Owner != c.want {
				t.Errorf("got %v of %s (%v)", k.Owner, data, err)
			}
			if time.Since(k.LastUsed) > time.Hour {
				t.Errorf("it is in use, and was last used at %v", k.LastUsed)
			}
		})
	}
	link := filepath.Join(t.TempDir(), "link")
	must(t, os.Symlink(unused(t, 1), link))
	var unsafe *cachedir.UnsafeError
	if _, err := layout.Look(link); !errors.As(err, &unsafe) {
		t.Errorf("a link: got error %v", err)
	}
}

func TestRemoveBuild(t *testing.T) {
	dir := unused(t, 3)
	k := look(t, dir)
	before := k.Builds
	for _, want := range [][]layout.Build{before[:2], before[:1]} {
		freed, err := k.RemoveBuild(before[len(want)].Number)
		must(t, err)
		now := look(t, dir)
		if diff := cmp.Diff(want, now.Builds); diff != "" || freed == 0 || !now.LastUsed.Equal(k.LastUsed) {
			t.Errorf("freed %d, last used %v, was %v (-want +got):\n%s", freed, now.LastUsed, k.LastUsed, diff)
		}
	}
	// What is left is whole: the builds had a manifest in common.
	l := open(t, dir)
	for _, desc := range before[0].Images[0].Manifests {
		m, err := l.Manifest(desc)
		must(t, err)
		if !l.Blobs().Has(m.Config) || !l.Blobs().Has(m.Layers[0]) {
			t.Errorf("%s lacks blobs", desc.Digest)
		}
	}
}

func TestRemove_spares(t *testing.T) {
	for name, remove := range map[string]func(k layout.Kept) error{
		"all":   func(k layout.Kept) error { _, err := k.RemoveAll(context.Background()); return err },
		"build": func(k layout.Kept) error { _, err := k.RemoveBuild(1); return err },
	} {
		dir := unused(t, 2)
		k := look(t, dir)
		l, err := layout.Open(t.Context(), dir)
		must(t, err)
		if err := remove(k); !errors.Is(err, cachedir.ErrInUse) {
			t.Errorf("%s: in use: got error %v", name, err)
		}
		l.SetOwner(owner)
		must(t, l.Close())
		if err := remove(k); !errors.Is(err, layout.ErrUsed) {
			t.Errorf("%s: used since: got error %v", name, err)
		}
		if now := look(t, dir); len(now.Builds) != 2 {
			t.Errorf("%s: %d builds are left", name, len(now.Builds))
		}
	}
}

func TestRemoveAll(t *testing.T) {
	dir := unused(t, 2)
	freed, err := look(t, dir).RemoveAll(t.Context())
	if _, statErr := os.Lstat(dir); err != nil || freed == 0 || !os.IsNotExist(statErr) {
		t.Errorf("freed %d (%v), and of the directory: %v", freed, err, statErr)
	}
	// The record of what was published stays, also of a layout that nobody can read.
	dir = unused(t, 1)
	must(t, os.WriteFile(filepath.Join(dir, "index.json"), []byte("{"), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, layout.PublishedFile), []byte("{}"), 0o644))
	makeOld(t, dir)
	k := look(t, dir)
	if len(k.Builds) != 0 {
		t.Errorf("a damaged index has %d builds", len(k.Builds))
	}
	freed, err = k.RemoveAll(t.Context())
	if _, statErr := os.Lstat(filepath.Join(dir, layout.PublishedFile)); err != nil || freed == 0 || statErr != nil {
		t.Errorf("freed %d (%v), and of the record: %v", freed, err, statErr)
	}
	if k := look(t, dir); !k.LastUsed.IsZero() {
		t.Errorf("something is left in %s", dir)
	}
}

// After an interruption, the rest is found again.
func TestRemoveAll_interrupted(t *testing.T) {
	dir := unused(t, 2)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := look(t, dir).RemoveAll(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v", err)
	}
	k := look(t, dir)
	if k.LastUsed.IsZero() || len(k.Builds) != 0 {
		t.Errorf("got %+v, want no builds, and that it is found", k)
	}
	if _, err := k.RemoveAll(t.Context()); err != nil {
		t.Error(err)
	}
}
