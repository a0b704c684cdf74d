package treeindex

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"strings"
)

// errDamaged says that bytes are no encoded index.
var errDamaged = errors.New("it is damaged")

// Decode returns the index that Encode was given. It is an error if the bytes are damaged or have another format.
func Decode(data []byte) (*Index, error) {
	tree, err := unseal(data)
	if err != nil {
		return nil, fmt.Errorf("reading the index of a layer: %w", err)
	}
	index, err := decode(tree)
	if err != nil {
		return nil, fmt.Errorf("reading the index of a layer: %w", err)
	}
	return index, nil
}

func decode(tree []byte) (*Index, error) {
	d := decoder{rest: string(tree), contents: map[*file][]byte{}}
	root := d.node(0)
	if d.bad || len(d.rest) > 0 || !root.isDir() {
		return nil, errDamaged
	}
	return &Index{root: root, contents: d.contents}, nil
}

// A decoder reads a tree. After the first mistake it reads nothing more, and what it returns has no meaning.
type decoder struct {
	rest       string
	bad        bool
	files      []*file
	attributes []file
	contents   map[*file][]byte
	header     uint64
	nodes      slab[node]
	allocated  slab[file]
}

// A slab allocates values side by side, which costs less than one by one. All of them are kept for as long as one is.
type slab[T any] struct {
	free []T
	next int // how many values are allocated next
}

// maxSlab is how many values a slab allocates at a time at most. It begins with few: most layers have few files.
const maxSlab = 512

func (s *slab[T]) new(value T) *T {
	if len(s.free) == 0 {
		s.next = min(max(8, 2*s.next), maxSlab)
		s.free = make([]T, s.next)
	}
	p := &s.free[0]
	*p, s.free = value, s.free[1:]
	return p
}

func (d *decoder) fail() {
	d.bad, d.rest = true, ""
}

// number reads a number that is at most limit.
func (d *decoder) number(limit uint64) uint64 {
	n, length := binary.Uvarint([]byte(d.rest[:min(len(d.rest), binary.MaxVarintLen64)]))
	if length <= 0 || n > limit {
		d.fail()
		return 0
	}
	d.rest = d.rest[length:]
	return n
}

// text reads a string of at most limit bytes.
func (d *decoder) text(limit int) string {
	n := int(d.number(uint64(min(limit, len(d.rest)))))
	if n > len(d.rest) {
		d.fail()
		return ""
	}
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) node(depth int) *node {
	flags := d.number(allFlags)
	has := func(flag uint64) bool { return flags&flag != 0 }
	n := d.nodes.new(node{name: d.text(maxName), opaque: has(flagOpaque), implied: has(flagImplied), stated: has(flagStated), heir: has(flagHeir)})
	if (depth == 0) != (n.name == "") || !possibleName(n.name) || depth > maxDepth {
		d.fail()
	}
	if has(flagFile) {
		n.file = d.file(has(flagBelow), has(flagContent))
	}
	if !n.isDir() && (n.implied || n.stated || n.heir) {
		d.fail()
	}
	if d.bad || !n.isDir() {
		return n
	}
	count := d.number(uint64(len(d.rest)))
	n.children = make([]*node, 0, min(count, maxFirst))
	for last := ""; count > 0 && !d.bad; count-- {
		child := d.node(depth + 1)
		if child.name <= last {
			d.fail()
		}
		last = child.name
		n.children = append(n.children, child)
	}
	return n
}

// maxFirst is for how many children of a directory there is room at first, whatever the bytes say.
const maxFirst = 64

func possibleName(name string) bool {
	return name != "." && name != ".." && !strings.ContainsRune(name, '/')
}

func (d *decoder) file(below, content bool) *file {
	if number := d.number(uint64(len(d.files))); number != 0 {
		f := d.files[number-1]
		if f.mode.IsDir() || below || content {
			d.fail()
		}
		return f
	}
	f := d.attributesOf()
	f.below = below
	d.files = append(d.files, f)
	switch {
	case below:
		f.target = d.text(maxPath)
		if !f.mode.IsRegular() || !strings.HasPrefix(f.target, "/") {
			d.fail()
		}
	case f.mode&fs.ModeSymlink != 0:
		f.target = d.text(maxPath)
	case f.mode.IsRegular():
		d.header += d.signed()
		if d.header > math.MaxInt32 {
			d.fail()
		}
		f.header = int(d.header)
	}
	if content {
		d.contents[f] = []byte(d.text(maxKept))
	}
	return f
}

// signed reads a number as the difference to another one.
func (d *decoder) signed() uint64 {
	n, length := binary.Varint([]byte(d.rest[:min(len(d.rest), binary.MaxVarintLen64)]))
	if length <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[length:]
	return uint64(n)
}

// attributesOf returns a file with the attributes that come next.
func (d *decoder) attributesOf() *file {
	if number := d.number(uint64(len(d.attributes))); number != 0 {
		f := d.attributes[number-1]
		f.xattrs = maps.Clone(f.xattrs)
		return d.allocated.new(f)
	}
	f := file{mode: fs.FileMode(d.number(math.MaxUint32)), uid: uint32(d.number(maxID)), gid: uint32(d.number(maxID))}
	if !possibleMode(f.mode) {
		d.fail()
	}
	for count := d.number(uint64(len(d.rest))); count > 0 && !d.bad; count-- {
		if f.xattrs == nil {
			f.xattrs = map[string]string{}
		}
		name := d.text(maxName)
		f.xattrs[name] = d.text(maxXattr)
	}
	d.attributes = append(d.attributes, f)
	return d.allocated.new(f)
}

// possibleMode reports whether a layer can have files of a mode.
func possibleMode(m fs.FileMode) bool {
	switch m &^ permissions {
	case 0, fs.ModeDir, fs.ModeSymlink, fs.ModeNamedPipe, fs.ModeDevice, fs.ModeDevice | fs.ModeCharDevice:
		return true
	}
	return false
}
