package recordset_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/record"
	"github.com/pulpimg/pulpimg/internal/recordset"
)

// indexed is the diff ID of the layer whose index is packed.
var indexed = digest.FromString("a layer")

func mustPack(t testing.TB, index string) recordset.Packed {
	t.Helper()
	p, err := recordset.Pack(indexed, []byte(index))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPack_roundTrip(t *testing.T) {
	for _, want := range []string{"", "an index", strings.Repeat("x", 3<<20)} {
		p := mustPack(t, want)
		if again := mustPack(t, want); again.Blob.Digest != p.Blob.Digest {
			t.Errorf("packed again, it is %s", again.Blob.Digest)
		}
		if p.Blob.Digest != digest.FromBytes(p.Content) || p.Blob.Size != int64(len(p.Content)) || p.DiffID != digest.FromBytes(unzipped(t, p.Content)) {
			t.Errorf("a layer of %d bytes is described as %+v", len(p.Content), p.Index)
		}
		in := bytes.NewReader(p.Content)
		if got, err := recordset.Unpack(indexed, in); err != nil || string(got) != want || in.Len() > 0 {
			t.Errorf("there are %d bytes, and %d behind them (%v)", len(got), in.Len(), err)
		}
	}
}

func unzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// zipped returns what a function writes, compressed.
func zipped(t testing.TB, write func(w io.Writer) error) []byte {
	t.Helper()
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(write(z), z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// archived returns an archive of regular files with the size in their headers and a content, compressed.
func archived(t testing.TB, end bool, headers ...tar.Header) []byte {
	t.Helper()
	return zipped(t, func(out io.Writer) error {
		w := tar.NewWriter(out)
		for _, h := range headers {
			if err := w.WriteHeader(&h); err != nil {
				return err
			}
			if _, err := io.CopyN(w, zeros{}, h.Size); err != nil {
				return err
			}
		}
		if !end {
			return w.Flush()
		}
		return w.Close()
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func file(name string, size int64) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: size}
}

func TestUnpack_whatIsNone(t *testing.T) {
	name := "pulpimg-index-" + indexed.Encoded()
	packed := mustPack(t, "an index").Content
	empty, err := recordset.Empty()
	if err != nil {
		t.Fatal(err)
	}
	for test, layer := range map[string][]byte{
		"nothing":                       nil,
		"no compression":                unzipped(t, packed),
		"an empty layer":                empty.Content,
		"another file":                  archived(t, true, file("passwd", 1)),
		"a link":                        archived(t, true, tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: "x"}),
		"an index and another file":     archived(t, true, file(name, 1), file("other", 1)),
		"an index and another index":    archived(t, true, file(name, 1), file(name, 1)),
		"a file before the index":       archived(t, true, file("other", 1), file(name, 1)),
		"an archive that is cut":        unended(t, file(name, 1000)),
		"behind the archive":            zipped(t, func(w io.Writer) error { _, err := w.Write(append(unzipped(t, packed), 0)); return err }),
		"behind the compression":        append(append([]byte{}, packed...), 'x'),
		"another layer behind it":       append(append([]byte{}, packed...), packed...),
		"an index that is too large":    archived(t, true, file(name, 64<<20+1)),
		"more than 64 MB behind it":     archived(t, true, file(name, 1), file("bomb", 80<<20)),
		"a compression that is damaged": append(append([]byte{}, packed[:len(packed)-8]...), 0, 0, 0, 0, 0, 0, 0, 0),
	} {
		t.Run(test, func(t *testing.T) {
			got, err := recordset.Unpack(indexed, bytes.NewReader(layer))
			if kindOf(err) != "damaged" || got != nil {
				t.Errorf("there are %d bytes, %v", len(got), err)
			}
		})
	}
}

// unended returns an archive that ends within its file.
func unended(t *testing.T, h tar.Header) []byte {
	t.Helper()
	return zipped(t, func(w io.Writer) error {
		_, err := w.Write(unzipped(t, archived(t, true, h))[:600])
		return err
	})
}

func TestUnpack_damaged(t *testing.T) {
	const want = "an index of some files"
	packed := mustPack(t, want).Content
	for at := range packed {
		for _, bit := range []byte{1, 0x80} {
			damaged := append([]byte{}, packed...)
			damaged[at] ^= bit
			if got, err := recordset.Unpack(indexed, bytes.NewReader(damaged)); kindOf(err) != "damaged" && (err != nil || string(got) != want) {
				t.Errorf("with another byte at %d, it is %q, %v", at, got, err)
			}
		}
		if got, err := recordset.Unpack(indexed, bytes.NewReader(packed[:at])); kindOf(err) != "damaged" {
			t.Errorf("cut at %d, it is %q, %v", at, got, err)
		}
	}
}

// A layer that cannot be read is not one that is damaged.
func TestUnpack_unreadable(t *testing.T) {
	packed := mustPack(t, "an index").Content
	for _, at := range []int64{0, 5, 20, int64(len(packed)) - 3} {
		broken := io.MultiReader(io.LimitReader(bytes.NewReader(packed), at), iotest.ErrReader(fs.ErrPermission))
		if _, err := recordset.Unpack(indexed, broken); !errors.Is(err, fs.ErrPermission) || kindOf(err) == "damaged" {
			t.Errorf("broken at %d: %v", at, err)
		}
	}
}

// What a small layer is decompressed to does not get into memory.
func TestUnpack_memory(t *testing.T) {
	for name, bomb := range map[string][]byte{
		"a large file": archived(t, true, file("pulpimg-index-"+indexed.Encoded(), 1<<30)),
		"behind it":    archived(t, true, file("pulpimg-index-"+indexed.Encoded(), 1), file("other", 256<<20)),
		"no archive":   zipped(t, func(w io.Writer) error { _, err := io.CopyN(w, zeros{}, 256<<20); return err }),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if _, err := recordset.Unpack(indexed, bytes.NewReader(bomb)); kindOf(err) != "damaged" {
				t.Errorf("the error is %v", err)
			}
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
				t.Errorf("%d bytes were allocated for a layer of %d", n, len(bomb))
			}
		})
	}
}

func FuzzUnpack(f *testing.F) {
	for _, index := range []string{"", "an index", strings.Repeat("index ", 1000)} {
		f.Add(unzipped(f, mustPack(f, index).Content))
	}
	f.Fuzz(func(t *testing.T, archive []byte) {
		got, err := recordset.Unpack(indexed, bytes.NewReader(zipped(t, func(w io.Writer) error { _, err := w.Write(archive); return err })))
		if err != nil {
			if kindOf(err) != "damaged" {
				t.Error(err)
			}
			return
		}
		if again, err := recordset.Unpack(indexed, bytes.NewReader(mustPack(t, string(got)).Content)); err != nil || !bytes.Equal(again, got) {
			t.Errorf("packed again, it is %q, %v", again, err)
		}
	})
}

// encodedImage is a set as another program sees it.
type encodedImage struct {
	recordset.Encoded
	contents map[string][]byte
}

func (i encodedImage) RawManifest() ([]byte, error)        { return i.Manifest, nil }
func (i encodedImage) RawConfigFile() ([]byte, error)      { return i.Config, nil }
func (i encodedImage) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
func (i encodedImage) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	for _, l := range i.Layers {
		if l.Digest.String() == h.String() {
			return encodedLayer{h, i.contents[h.String()]}, nil
		}
	}
	return nil, fs.ErrNotExist
}

type encodedLayer struct {
	hash    v1.Hash
	content []byte
}

func (l encodedLayer) Digest() (v1.Hash, error)            { return l.hash, nil }
func (l encodedLayer) Size() (int64, error)                { return int64(len(l.content)), nil }
func (l encodedLayer) MediaType() (types.MediaType, error) { return types.OCILayer, nil }
func (l encodedLayer) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(l.content)), nil
}
func (l encodedLayer) Uncompressed() (io.ReadCloser, error) {
	return gzip.NewReader(bytes.NewReader(l.content))
}

// A set is an image that other programs find nothing wrong with.
func TestSet_isAnImage(t *testing.T) {
	empty, err := recordset.Empty()
	if err != nil {
		t.Fatal(err)
	}
	layer, index, other := mustPack(t, "a layer"), mustPack(t, "its index"), mustPack(t, "the index of a base")
	with, without := recordOf("with"), recordOf("without")
	with.Result, with.Blob, without.Blob = layer.DiffID, &layer.Blob, nil
	for name, s := range map[string]recordset.Set{
		"with layers": {Key: with.Key, Records: []record.Record{without, with}, Indexes: map[digest.Digest]recordset.Index{
			layer.DiffID: index.Index, sum("a layer of the base"): other.Index, sum("another layer of the base"): other.Index,
		}},
		"without": {Key: without.Key, Records: []record.Record{without}},
	} {
		t.Run(name, func(t *testing.T) {
			i := encodedImage{mustEncode(t, s), map[string][]byte{}}
			for _, p := range []recordset.Packed{empty, layer, index, other} {
				i.contents[p.Blob.Digest.String()] = p.Content
			}
			image, err := partial.CompressedToImage(i)
			if err == nil {
				err = validate.Image(image)
			}
			if err != nil {
				t.Error(err)
			}
			if got, _, err := recordset.Decode(i.Manifest, s.Key); err != nil || !got.Equal(s) {
				t.Errorf("decoded, it is %+v, %v", got, err)
			}
		})
	}
}
