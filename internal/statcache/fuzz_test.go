package statcache

import (
	"crypto/sha256"
	"maps"
	"testing"
)

// The content of a cache's file is read back as it was, and no other content, also with the right checksum, makes the reader fail.
func FuzzParse(f *testing.F) {
	f.Add("name", int64(1), true, []byte{})
	f.Add("", int64(-1), false, []byte{0})
	f.Add("a/b", int64(0), true, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, name string, number int64, trusted bool, more []byte) {
		want := map[string]entry{name: {
			stamp: Stamp{Size: number, Modified: number + 1, Changed: number + 2, Device: uint64(number + 3), Inode: uint64(number + 4), Mode: uint32(number)},
			sum:   sha256.Sum256(more), read: number + 5, trusted: trusted,
		}}
		data := marshal(want)
		if got, foreign := parse(data); foreign || !maps.Equal(got, want) {
			t.Errorf("got %v, %t, want %v", got, foreign, want)
		}
		data = append(data[:len(data)-sha256.Size], more...)
		sum := sha256.Sum256(data)
		parse(append(data, sum[:]...))
	})
}
