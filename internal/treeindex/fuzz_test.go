package treeindex_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path"
	"testing"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/treeindex"
)

// FuzzDecode fuzzes what is behind the checksum and the compression, which the fuzzer would never get through.
func FuzzDecode(f *testing.F) {
	for seed := range uint64(20) {
		tar := wildLayer(rand.New(rand.NewPCG(seed, 0)), nil).bytes(f, 0)
		index, _, err := treeindex.Read(f.Context(), bytes.NewReader(tar), ocispec.MediaTypeImageLayer)
		if err != nil {
			continue
		}
		data, err := index.Encode()
		if err != nil {
			f.Fatal(err)
		}
		tree, err := treeindex.Unseal(data)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(tree)
	}
	f.Fuzz(func(t *testing.T, tree []byte) {
		data, err := treeindex.Seal(tree)
		if err != nil {
			t.Fatal(err)
		}
		index, err := treeindex.Decode(data)
		if err != nil {
			return
		}
		again, err := index.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(listing(t, index), listing(t, encoded(t, index))); diff != "" {
			t.Errorf("after it was encoded (-before +after):\n%s", diff)
		}
		if twice, err := encoded(t, index).Encode(); err != nil || !bytes.Equal(again, twice) {
			t.Errorf("encoded twice, it differs: %v", err)
		}
	})
}

// FuzzRead fuzzes the reading of a layer, and asks the tree everything.
func FuzzRead(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(wildLayer(rand.New(rand.NewPCG(seed, 0)), nil).bytes(f, 0))
	}
	f.Fuzz(func(t *testing.T, tar []byte) {
		index, _, err := treeindex.Read(t.Context(), bytes.NewReader(tar), ocispec.MediaTypeImageLayer)
		if err != nil {
			return
		}
		if diff := cmp.Diff(listing(t, index), listing(t, encoded(t, index))); diff != "" {
			t.Errorf("after it was encoded (-before +after):\n%s", diff)
		}
	})
}

// listing describes all that the tree of an index on top of itself says of files. A hard link that leads nowhere has an error instead.
func listing(t *testing.T, index *treeindex.Index) map[string]string {
	t.Helper()
	tree, all := treeindex.Stack(index, index), map[string]string{}
	var in func(dir string)
	in = func(dir string) {
		names, err := tree.Names(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			p := path.Join(dir, name)
			info, err := tree.Lstat(t.Context(), p)
			if info == nil && err == nil {
				t.Fatalf("%q is a name, and there is nothing", p)
			}
			at, header, ok := tree.Origin(p)
			all[p] = fmt.Sprint(info, err, at, header, ok)
			if info != nil && info.Mode.IsDir() {
				in(p)
			}
		}
	}
	in("/")
	return all
}
