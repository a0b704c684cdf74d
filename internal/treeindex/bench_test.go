package treeindex_test

import (
	"bytes"
	"fmt"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/treeindex"
)

// large returns a layer of 50,000 files.
func large(b *testing.B) []byte {
	b.Helper()
	layer := &tarball{}
	for d := range 500 {
		layer.add(dir(fmt.Sprintf("usr/lib/package-%d", d), 0o755))
		for f := range 99 {
			layer.add(file(fmt.Sprintf("usr/lib/package-%d/module-%d.so", d, f), 0o644))
		}
	}
	return layer.bytes(b, 0)
}

func BenchmarkRead(b *testing.B) {
	data := large(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := treeindex.Read(b.Context(), bytes.NewReader(data), ocispec.MediaTypeImageLayer); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	index, _, err := treeindex.Read(b.Context(), bytes.NewReader(large(b)), ocispec.MediaTypeImageLayer)
	if err != nil {
		b.Fatal(err)
	}
	data, err := index.Encode()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := treeindex.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}

// Ten layers of 50,000 files are more than any image has.
func BenchmarkLstat(b *testing.B) {
	index, _, err := treeindex.Read(b.Context(), bytes.NewReader(large(b)), ocispec.MediaTypeImageLayer)
	if err != nil {
		b.Fatal(err)
	}
	var layers []*treeindex.Index
	for range 10 {
		layers = append(layers, index)
	}
	tree := treeindex.Stack(layers...)
	b.ReportAllocs()
	for b.Loop() {
		if info, err := tree.Lstat(b.Context(), "/usr/lib/package-250/module-50.so"); info == nil || err != nil {
			b.Fatal(info, err)
		}
	}
}
