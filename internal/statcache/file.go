package statcache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"os"
	"path/filepath"

	"github.com/pulpimg/pulpimg/internal/atomicfile"
	"github.com/pulpimg/pulpimg/internal/cachedir"
)

// header begins a cache's file, and ends with the number of its format, which must change with the format.
const header = "pulpimg stat cache 1\n"

// recordSize is the size of an entry without its name: five words of the stamp, its mode, the sum, the time and whether it is trusted.
const recordSize = 5*8 + 4 + sha256.Size + 8 + 1

// usualName is the length of a usual name. It is for the size of a table alone.
const usualName = 32

// load reads a cache. It returns no entries when there is none, or a damaged one. A foreign one has another format.
func load(file string) (entries map[string]entry, foreign bool) {
	data, err := os.ReadFile(file)
	if err != nil {
		return map[string]entry{}, false
	}
	return parse(data)
}

// parse reads the content of a cache's file.
func parse(data []byte) (entries map[string]entry, foreign bool) {
	entries = map[string]entry{}
	if len(data) < len(header)+sha256.Size {
		return entries, false
	}
	if !bytes.HasPrefix(data, []byte(header)) {
		return entries, true
	}
	data, sum := data[:len(data)-sha256.Size], data[len(data)-sha256.Size:]
	if is := sha256.Sum256(data); !bytes.Equal(is[:], sum) {
		return entries, false
	}
	data = data[len(header):]
	names := string(data) // one string that the names are parts of
	entries = make(map[string]entry, len(data)/(recordSize+usualName))
	for at := 0; at < len(data); {
		length, n := binary.Uvarint(data[at:])
		begin := at + n
		if n <= 0 || length > uint64(len(data)-begin) || len(data)-begin-int(length) < recordSize {
			return map[string]entry{}, false
		}
		end := begin + int(length)
		at = end + recordSize
		entries[names[begin:end]] = decode(data[end:at])
	}
	return entries, false
}

func decode(data []byte) entry {
	word := func(at int) uint64 { return binary.LittleEndian.Uint64(data[8*at:]) }
	const fixed = 5 * 8
	e := entry{stamp: Stamp{
		Size: int64(word(0)), Modified: int64(word(1)), Changed: int64(word(2)), Device: word(3), Inode: word(4),
		Mode: binary.LittleEndian.Uint32(data[fixed:]),
	}}
	rest := data[fixed+4:]
	copy(e.sum[:], rest)
	e.read = int64(binary.LittleEndian.Uint64(rest[sha256.Size:]))
	e.trusted = rest[sha256.Size+8] == 1
	return e
}

func (e entry) append(data []byte) []byte {
	for _, word := range []uint64{uint64(e.stamp.Size), uint64(e.stamp.Modified), uint64(e.stamp.Changed), e.stamp.Device, e.stamp.Inode} {
		data = binary.LittleEndian.AppendUint64(data, word)
	}
	data = binary.LittleEndian.AppendUint32(data, e.stamp.Mode)
	data = append(data, e.sum[:]...)
	data = binary.LittleEndian.AppendUint64(data, uint64(e.read))
	if e.trusted {
		return append(data, 1)
	}
	return append(data, 0)
}

func marshal(entries map[string]entry) []byte {
	data := []byte(header)
	for name, e := range entries {
		data = binary.AppendUvarint(data, uint64(len(name)))
		data = append(data, name...)
		data = e.append(data)
	}
	sum := sha256.Sum256(data)
	return append(data, sum[:]...)
}

// save writes a cache, with its directory.
func save(file string, entries map[string]entry) error {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	cachedir.RemoveUnused(dir)
	return atomicfile.Write(file, marshal(entries), 0o600)
}
