package build

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/internal/record"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// tellingOf is a set of one record for a repository.
func tellingOf(name string) telling {
	d := digest.FromString(name)
	return telling{sharedSet: sharedSet{Key: d, Records: []record.Record{{Key: d, On: d, Result: d}}}, place: "registry.example.com/a"}
}

// builtIn opens the layout of a name in a cache. The layout has a build.
func builtIn(t *testing.T, cache Cache, name string) *layout.Layout {
	t.Helper()
	l, err := layout.Open(t.Context(), filepath.Join(cache.Dir, imagesDir, name+layoutSuffix()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := l.Add(t.Context(), layout.Build{}); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestCache_ForgetTold(t *testing.T) {
	cache := Cache{Dir: t.TempDir()}
	removed, kept := tellingOf("removed"), tellingOf("kept")
	images := []layout.Image{{Name: "a", References: []string{"registry.example.com/a:1"}}}
	document := digest.FromString("document")
	told, silent := builtIn(t, cache, "told"), builtIn(t, cache, "silent")
	n := readNotes(told, document)
	n.set(removed, noteConfirmed)
	n.set(kept, noteConfirmed)
	n.complete("", images)
	if err := n.save(told); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(cache.Dir, imagesDir, "no layout"), 0o755); err != nil {
		t.Fatal(err)
	}

	before := time.Now()
	if err := cache.ForgetTold([]string{removed.reference()}); err != nil {
		t.Fatal(err)
	}
	n = readNotes(told, document)
	if n.all("", images) || (n.state(removed) != "") || !(n.state(kept) == noteConfirmed) {
		t.Errorf("all: %v, removed: %v, kept: %v", n.all("", images), (n.state(removed) != ""), (n.state(kept) == noteConfirmed))
	}
	for _, l := range []*layout.Layout{told, silent} {
		// What a build has from a set may be gone: that the registry told of it is no reason not to tell the registry.
		if n := readNotes(l, document); n.Removed.Before(before) {
			t.Errorf("%s: sets were removed at %s, and the builds before do not know", l.Dir(), n.Removed)
		}
	}
	names, err := os.ReadDir(filepath.Join(cache.Dir, imagesDir, "no layout"))
	if err != nil || len(names) > 0 {
		t.Errorf("a directory that is no layout has %v, %v", names, err)
	}

	// The time stays with the notes.
	n = readNotes(told, digest.FromString("another document"))
	n.set(kept, noteConfirmed)
	if err := n.save(told); err != nil {
		t.Fatal(err)
	}
	if n := readNotes(told, document); n.Removed.Before(before) {
		t.Errorf("sets were removed at %s", n.Removed)
	}
}

func TestCache_ForgetTold_replacesWhatItDoesNotKnow(t *testing.T) {
	for _, content := range []string{"", "{", `{"format":2,"sets":{}}`} {
		cache := Cache{Dir: t.TempDir()}
		l := builtIn(t, cache, "a")
		if err := os.WriteFile(filepath.Join(l.Dir(), notesFile), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := cache.ForgetTold([]string{"registry.example.com/a:key-1"}); err != nil {
			t.Fatal(err)
		}
		if n := readNotes(l, ""); n.Removed.IsZero() {
			t.Errorf("after %q, nothing is noted", content)
		}
	}
}

func TestRecordPlaces(t *testing.T) {
	const spec = `
version: 1
name: f
registries: [one.example.com/f, two.example.com/f]
tags: ["1", latest]
images:
  build:
    from: scratch
    publish: false
    steps: [{ files: { from: f.yaml, to: /made } }]
  web:
    from: scratch
    steps: [{ files: { image: build, from: /made, to: /made } }]
  worker:
    from: web
    repository: web
    tags: [worker]
    steps: [{ files: { from: f.yaml, to: /worker } }]
`
	one, two := "one.example.com/f/web", "two.example.com/f/web"
	for records, want := range map[string][]RecordPlace{
		"":                               {{one, []string{one}}, {two, []string{two}}},
		"records: one.example.com/all\n": {{"one.example.com/all", []string{one, two}}},
		"records: none\n":                nil,
	} {
		if diff := cmp.Diff(want, RecordPlaces(familytest.Parse(t, spec+records))); diff != "" {
			t.Errorf("%q: the repositories (-want +got):\n%s", records, diff)
		}
	}
}
