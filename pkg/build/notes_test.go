package build

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// A registry is asked about what was told until it has confirmed it, and then no more.
func TestShare_notes(t *testing.T) {
	h := newRecordHub(t)
	h.base([]string{"amd64"}, linked(t))
	s := newSiteOf(t, h, layered)
	s.runAll("a")
	images := s.build()
	share := func(images []layout.Image) (asked int) {
		t.Helper()
		h.requests()
		if err := share(t.Context(), &family.Family{}, s.into, images, s.cache, publishing(), 0); err != nil {
			t.Fatal(err)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.asked)
	}
	mustPush(t, s, images) // sent
	if n := share(images); n == 0 {
		t.Error("nobody was asked whether another machine wrote at the same time")
	}
	if n := h.requests("PUT"); n > 0 {
		t.Errorf("%d things were written again", n)
	}
	if n := h.requests("GET", "/manifests/key-") + h.requests("/blobs/"); n > 0 {
		t.Errorf("%d things were read to see that a set is still the one that was written", n)
	}
	if n := share(images); n > 0 {
		t.Errorf("what is confirmed is asked for with %d requests", n)
	}
	for _, one := range images { // some at a time
		if n := share([]layout.Image{one}); n > 0 {
			t.Errorf("what is confirmed of %s is asked for with %d requests", one.Name, n)
		}
	}
	if n := share(images); n > 0 {
		t.Errorf("then, what is confirmed is asked for with %d requests", n)
	}
	// Another build asks only for what is new.
	s.write("page", "another page")
	images = s.build()
	mustPush(t, s, images)
	if n := h.requests("GET", "team/base/manifests/key-"); n > 0 {
		t.Errorf("%d known sets of base were asked for", n)
	}
	if tags := h.sets("team/web"); len(tags) != 2 {
		t.Errorf("web has the sets %q", tags)
	}
	// Notes that nobody can read save nothing.
	for _, text := range []string{"", "{", `{"format":2,"sets":{}}`} {
		if err := os.WriteFile(filepath.Join(s.into.Dir(), notesFile), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if n := share(images); n == 0 {
			t.Errorf("with the notes %q, nobody was asked", text)
		}
		if n := share(images); n > 0 {
			t.Errorf("after the notes %q, there were %d requests", text, n)
		}
	}
}

// Notes of images that are published one by one stay.
func TestShare_notesOfSome(t *testing.T) {
	h := newRecordHub(t)
	h.base([]string{"amd64"}, linked(t))
	s := newSiteOf(t, h, layered)
	s.runAll("a")
	images := s.build()
	for range 2 { // sent, and confirmed
		for _, one := range images {
			mustPush(t, s, []layout.Image{one})
		}
	}
	h.requests()
	for _, one := range images {
		if err := share(t.Context(), &family.Family{}, s.into, []layout.Image{one}, s.cache, publishing(), 0); err != nil {
			t.Fatal(err)
		}
	}
	if n := h.requests(); n > 0 {
		t.Errorf("what is confirmed is asked for with %d requests", n)
	}
}
