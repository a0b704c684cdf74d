package layout_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
)

// A layout knows what was published last.
func TestPublished(t *testing.T) {
	l := openNew(t)
	if got, err := l.Published(); err != nil || len(got) > 0 {
		t.Fatalf("a new layout: got %v, %v", got, err)
	}
	first := map[string]digest.Digest{"r/a:1": digest.FromString("a"), "r/b:1": digest.FromString("b")}
	second := map[string]digest.Digest{"r/a:2": digest.FromString("c")}
	for _, want := range []map[string]digest.Digest{first, second} {
		if err := l.SetPublished(want); err != nil {
			t.Fatal(err)
		}
		got, err := l.Published()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	// Building again leaves it as it is: what is published stays so.
	add(t, l, combine(t, l, "one", manifest(t, l, "amd64", "a")))
	if got, err := l.Published(); err != nil || len(got) != 1 {
		t.Errorf("after a build: got %v, %v", got, err)
	}
}

// A damaged record of a publication is an error.
func TestPublished_damaged(t *testing.T) {
	for name, text := range map[string]string{"no JSON": `{`, "no digest": `{"format":1,"images":{"r/a:1":"sha256:beef"}}`} {
		t.Run(name, func(t *testing.T) {
			l := openNew(t)
			if err := os.WriteFile(filepath.Join(l.Dir(), "published.json"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Published(); err == nil || !strings.HasPrefix(err.Error(), "reading what was published") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestPublished_unknownFormat(t *testing.T) {
	l := openNew(t)
	if err := os.WriteFile(filepath.Join(l.Dir(), "published.json"), []byte(`{"format":7,"images":"elsewhere"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := l.Published(); err != nil || got != nil {
		t.Errorf("got %v, %v, want nothing", got, err)
	}
}
