package download

import (
	"bytes"
	"crypto/sha256"
	"testing"
)

// The content of a record's file is read back as it was, and no other content, also with the right checksum, makes the reader fail.
func FuzzDecode(f *testing.F) {
	f.Add("https://h.test/f", `"1"`, []byte("content"), []byte{})
	f.Add("", "\xcb", []byte("x"), []byte{})
	f.Add("", "", []byte{}, []byte{0xff, 0xff, 0xff, 0xff, '{', '}'})
	f.Add("u", "e", []byte{0}, []byte{2, 0, 0, 0, '{', '}', 'x'})
	f.Fuzz(func(t *testing.T, url, etag string, content, more []byte) {
		want := record{facts: facts{URL: url, ETag: etag, LastModified: etag}, content: content}
		data, err := want.encode()
		if err != nil {
			t.Fatal(err)
		}
		got, ok := decode(data)
		if !ok || got.facts != want.facts || !bytes.Equal(got.content, content) {
			t.Errorf("got %+v, %t, want %+v", got, ok, want)
		}
		for _, damaged := range [][]byte{data[:len(data)-1], append(bytes.Clone(data), 0), append([]byte("x"), data...)} {
			if _, ok := decode(damaged); ok {
				t.Errorf("%q is read", damaged)
			}
		}
		sum := sha256.Sum256(more)
		_, _ = decode(append(append([]byte(header), sum[:]...), more...))
		_, _ = decode(more)
	})
}
