package layer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"maps"
	"slices"
)

// keyVersion has to change whenever the same entries result in another layer.
const keyVersion = 1

// key returns a name for the layer, which depends on everything that the bytes of the layer depend on.
func (a *addition) key() string {
	k := newKey("layer", a.opts)
	for i, e := range a.entries {
		k.entry(e)
		if e.Open != nil {
			k.number(a.contents[i].size)
			k.text(string(a.contents[i].sum[:]))
		}
	}
	return k.String()
}

// identity returns a name for the layer before its files are read. Simultaneous additions with the same identity make the same layer, unless
// contents that are not on disk differ.
func (a *addition) identity() string {
	k := newKey("addition", a.opts)
	for _, e := range a.entries {
		k.entry(e)
		if e.Source != nil {
			folder, name, _ := e.Source.File()
			k.text(folder)
			k.text(name)
		}
	}
	return k.String()
}

// A keyWriter writes values so that different lists of values never give the same bytes.
type keyWriter struct{ hash.Hash }

func newKey(kind string, opts Options) keyWriter {
	k := keyWriter{sha256.New()}
	k.text(kind)
	k.number(keyVersion)
	k.number(opts.ModTime.Unix())
	k.number(int64(opts.ModTime.Nanosecond()))
	return k
}

func (k keyWriter) number(n int64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(n))
	_, _ = k.Write(b[:]) // a hash takes everything
}

func (k keyWriter) text(s string) {
	k.number(int64(len(s)))
	_, _ = k.Write([]byte(s))
}

func (k keyWriter) entry(e Entry) {
	k.text(e.Path)
	k.number(int64(e.Mode))
	k.number(int64(e.UID))
	k.number(int64(e.GID))
	k.text(e.Target)
	if e.Link != "" {
		k.text("\x00hard link") // no path, which is what else comes here, has such a beginning
		k.text(e.Link)
	}
	k.number(int64(len(e.Xattrs)))
	for _, name := range slices.Sorted(maps.Keys(e.Xattrs)) {
		k.text(name)
		k.text(e.Xattrs[name])
	}
}

func (k keyWriter) String() string { return hex.EncodeToString(k.Sum(nil)) }
