package treeindex_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/treeindex"
)

func TestDecode_damaged(t *testing.T) {
	data, err := index(t, 0, headers{xattr(file("d/a", 0o644), "user.a", "1"), hardlink("b", "d/a"), symlink("l", "b"), file("etc/group", 0o600)}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := treeindex.Decode(data); err != nil {
		t.Fatal(err)
	}
	for at := range data {
		damaged := append([]byte(nil), data...)
		damaged[at]++
		if _, err := treeindex.Decode(damaged); err == nil {
			t.Errorf("with another byte %d, it was read", at)
		}
		if _, err := treeindex.Decode(data[:at]); err == nil {
			t.Errorf("the first %d bytes were read", at)
		}
	}
}

// Whatever is cut from a tree, or put behind it, is missed.
func TestDecode_otherTree(t *testing.T) {
	data, err := index(t, 0, headers{xattr(file("d/a", 0o644), "user.a", "1"), hardlink("b", "d/a"), file("etc/group", 0o600)}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	tree, err := treeindex.Unseal(data)
	if err != nil {
		t.Fatal(err)
	}
	others := [][]byte{append(tree[:len(tree):len(tree)], 0)}
	for at := range tree {
		others = append(others, tree[:at])
	}
	for _, other := range others {
		data, err := treeindex.Seal(other)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := treeindex.Decode(data); err == nil {
			t.Errorf("a tree of %d bytes was read, and it has %d", len(other), len(tree))
		}
	}
}

func TestStore_keepsIndexes(t *testing.T) {
	dir := t.TempDir()
	store := treeindex.OpenStore(dir)
	a, b := digest.FromString("a"), digest.FromString("b")
	if _, ok := store.Get(a); ok {
		t.Error("an empty store has an index")
	}
	made := index(t, 0, headers{file("a", 0o644)})
	for _, id := range []digest.Digest{a, b} {
		if err := store.Put(id, made); err != nil {
			t.Fatal(err)
		}
	}
	got, ok := treeindex.OpenStore(dir).Get(a)
	if !ok {
		t.Fatal("the index is not there")
	}
	if diff := cmp.Diff(listing(t, made), listing(t, got)); diff != "" {
		t.Errorf("the index that was kept (-want +got):\n%s", diff)
	}
	name := filepath.Join(dir, "indexes.v1", b.Encoded())
	if err := os.WriteFile(name, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := store.Get(b); ok {
		t.Error("a damaged index was read")
	}
	if err := store.Put("sha256:../../x", made); err == nil {
		t.Error("an index was kept under a path instead of a diff ID")
	}
	if _, ok := store.Get("sha256:../../x"); ok {
		t.Error("an index was found under a path instead of a diff ID")
	}
}

func TestStore_Has(t *testing.T) {
	store, id := treeindex.OpenStore(t.TempDir()), digest.FromString("layer")
	if store.Has(id) {
		t.Error("an empty store has an index")
	}
	if err := store.Put(id, index(t, 0, headers{file("a", 0o644)})); err != nil {
		t.Fatal(err)
	}
	if !store.Has(id) {
		t.Error("the index is not there")
	}
	for _, id := range []digest.Digest{digest.FromString("another layer"), "", "sha256:../../" + digest.Digest(id.Encoded())} {
		if store.Has(id) {
			t.Errorf("there is an index of %q", id)
		}
	}
}

func TestStore_removesUnused(t *testing.T) {
	dir := t.TempDir()
	store, made := treeindex.OpenStore(dir), index(t, 0, headers{file("a", 0o644)})
	used, unused := digest.FromString("used"), digest.FromString("unused")
	long := time.Now().Add(-1000 * time.Hour)
	for _, id := range []digest.Digest{used, unused} {
		if err := store.Put(id, made); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []digest.Digest{used, unused} {
		if err := os.Chtimes(filepath.Join(dir, "indexes.v1", id.Encoded()), long, long); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := store.Get(used); !ok {
		t.Fatal("the index is not there")
	}
	if err := store.Put(digest.FromString("new"), made); err != nil {
		t.Fatal(err)
	}
	if _, ok := store.Get(used); !ok {
		t.Error("an index in use was removed")
	}
	if _, ok := store.Get(unused); ok {
		t.Error("an index that nobody used is still there")
	}
}
