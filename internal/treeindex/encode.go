package treeindex

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/pulpimg/pulpimg/internal/sealed"
)

// An encoded index is the number of the format, a SHA-256 checksum of the rest, and the rest: a tree compressed with zstd. The tree is a node,
// the root. Numbers are those of encoding/binary's AppendUvarint, and strings have their length before them. A node is
//
//	flags name [file [content]] [number of children, children sorted by name]
//
// without a file for a whiteout, and with children for a directory. A file is the number of an earlier file of the tree that the node is a
// hard link of; or 0, its attributes, its target if it is a symbolic link or is below, and the number of its header if it is regular.
// Attributes are the number of earlier ones; or 0, the mode, the owner and the extended attributes sorted by name.
const format = 1

// maxEncoded bounds a tree before it is compressed. One of 50,000 files has about 1 MB.
const maxEncoded = 32 << 20

// Flags of a node.
const (
	flagFile = 1 << iota
	flagOpaque
	flagImplied
	flagStated
	flagHeir
	flagBelow
	flagContent
	allFlags = 1<<iota - 1
)

// Encode returns the index as bytes, which Decode reads.
func (i *Index) Encode() ([]byte, error) {
	e := encoder{contents: i.contents, files: map[*file]uint64{}, attributes: map[string]uint64{}}
	e.node(i.root)
	if len(e.out) > maxEncoded {
		return nil, errors.New("encoding the index of a layer: it has too many files")
	}
	return seal(e.out)
}

// seal returns the bytes for a tree.
func seal(tree []byte) ([]byte, error) {
	zw, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("encoding the index of a layer: %w", err)
	}
	compressed := zw.EncodeAll(tree, nil)
	return append([]byte{format}, sealed.Seal(compressed)...), nil
}

// unseal returns the tree of what seal returned.
func unseal(data []byte) ([]byte, error) {
	if len(data) > 0 && data[0] != format {
		return nil, fmt.Errorf("its format %d is unknown", data[0])
	}
	compressed, ok := sealed.Open(data[min(1, len(data)):])
	if !ok {
		return nil, errDamaged
	}
	zr, err := decompressor()
	if err != nil {
		return nil, err
	}
	return zr.DecodeAll(compressed, nil)
}

// decompressor returns a decoder that any number of goroutines use at once. It has none of its own, so that it need not be closed.
var decompressor = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxEncoded))
})

// An encoder writes a tree.
type encoder struct {
	out        []byte
	contents   map[*file][]byte
	files      map[*file]uint64  // the numbers of files
	attributes map[string]uint64 // the numbers of attributes, by what is written for them
	header     uint64            // of the last regular file, because the next one is mostly the next header
}

func (e *encoder) number(n uint64) { e.out = binary.AppendUvarint(e.out, n) }

func (e *encoder) text(s string) {
	e.number(uint64(len(s)))
	e.out = append(e.out, s...)
}

func (e *encoder) node(n *node) {
	e.number(e.flags(n))
	e.text(n.name)
	if n.file == nil {
		return
	}
	e.file(n.file)
	if !n.isDir() {
		return
	}
	e.number(uint64(len(n.children)))
	for _, child := range n.children {
		e.node(child)
	}
}

// flags returns the flags of a node, among them those of its file if it comes for the first time.
func (e *encoder) flags(n *node) uint64 {
	var flags uint64
	set := func(flag uint64, ok bool) {
		if ok {
			flags |= flag
		}
	}
	set(flagFile, n.file != nil)
	set(flagOpaque, n.opaque)
	set(flagImplied, n.implied)
	set(flagStated, n.stated)
	set(flagHeir, n.heir)
	if n.file != nil && e.files[n.file] == 0 {
		set(flagBelow, n.file.below)
		set(flagContent, e.contents[n.file] != nil)
	}
	return flags
}

func (e *encoder) file(f *file) {
	number := e.files[f]
	e.number(number)
	if number != 0 {
		return
	}
	e.files[f] = uint64(len(e.files) + 1)
	e.attributesOf(f)
	switch {
	case f.below || f.mode&fs.ModeSymlink != 0:
		e.text(f.target)
	case f.mode.IsRegular():
		header := uint64(f.header)
		e.out = binary.AppendVarint(e.out, int64(header-e.header))
		e.header = header
	}
	if content := e.contents[f]; content != nil {
		e.text(string(content))
	}
}

func (e *encoder) attributesOf(f *file) {
	rest := encoder{}
	rest.number(uint64(f.mode))
	rest.number(uint64(f.uid))
	rest.number(uint64(f.gid))
	rest.number(uint64(len(f.xattrs)))
	for _, name := range slices.Sorted(maps.Keys(f.xattrs)) {
		rest.text(name)
		rest.text(f.xattrs[name])
	}
	key := string(rest.out)
	number := e.attributes[key]
	e.number(number)
	if number == 0 {
		e.attributes[key] = uint64(len(e.attributes) + 1)
		e.out = append(e.out, rest.out...)
	}
}
