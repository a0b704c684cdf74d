package treeindex_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/treeindex"
)

const (
	dockerLayer = "application/vnd.docker.image.rootfs.diff.tar"
	dockerGzip  = "application/vnd.docker.image.rootfs.diff.tar.gzip"
)

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zstandard(t testing.TB, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(data, nil)
}

func TestRead_mediaTypes(t *testing.T) {
	plain := append((&tarball{headers: headers{file("a", 0o644), file("b", 0o600)}}).bytes(t, 0), "behind the end"...)
	want := digest.FromBytes(plain)
	half := len(plain) / 2
	members := append(gzipped(t, plain[:half]), gzipped(t, plain[half:])...)
	frames := append(zstandard(t, plain[:half]), zstandard(t, plain[half:])...)
	skippable := append([]byte{0x5f, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4}, frames...)
	for _, test := range []struct {
		name, mediaType string
		data            []byte
	}{
		{"OCI, not compressed", ocispec.MediaTypeImageLayer, plain},
		{"OCI, gzip", ocispec.MediaTypeImageLayerGzip, members},
		{"OCI, zstd", ocispec.MediaTypeImageLayerZstd, frames},
		{"OCI, zstd with a skippable frame", ocispec.MediaTypeImageLayerZstd, skippable},
		{"OCI, not to be distributed", "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", members},
		{"Docker, not compressed", dockerLayer, plain},
		{"Docker, compressed and called not compressed", dockerLayer, members},
		{"Docker, gzip", dockerGzip, members},
		{"Docker, zstd and called gzip", dockerGzip, frames},
		{"Docker, foreign", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", members},
	} {
		t.Run(test.name, func(t *testing.T) {
			index, diffID, err := treeindex.Read(t.Context(), bytes.NewReader(test.data), test.mediaType)
			if err != nil {
				t.Fatal(err)
			}
			if diffID != want {
				t.Errorf("got the diff ID %s, want %s", diffID, want)
			}
			names, err := treeindex.Stack(index).Names(t.Context(), "/")
			if diff := cmp.Diff([]string{"a", "b"}, names); err != nil || diff != "" {
				t.Errorf("names: %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// Docker has a layer of nothing but the end of a tar, and others have one of nothing at all.
func TestRead_empty(t *testing.T) {
	for _, data := range [][]byte{nil, make([]byte, 1024), gzipped(t, nil), gzipped(t, make([]byte, 1024))} {
		index, _, err := treeindex.Read(t.Context(), bytes.NewReader(data), dockerGzip)
		if err != nil {
			t.Errorf("of %d bytes: %v", len(data), err)
			continue
		}
		if names, err := treeindex.Stack(index).Names(t.Context(), "/"); err != nil || len(names) > 0 {
			t.Errorf("of %d bytes: got %q, %v", len(data), names, err)
		}
	}
}

func TestRead_damaged(t *testing.T) {
	noise := make([]byte, 2000)
	for i := range noise {
		noise[i] = byte(i%251 + 1)
	}
	plain := (&tarball{headers: headers{file("a", 0o644), file("b", 0o600)}}).bytes(t, 0)
	zipped := gzipped(t, plain)
	for _, test := range []struct {
		name, mediaType string
		data            []byte
	}{
		{"no tar", ocispec.MediaTypeImageLayer, noise},
		{"ends in a header", ocispec.MediaTypeImageLayer, plain[:100]},
		{"ends in a content", ocispec.MediaTypeImageLayer, plain[:514]},
		{"ends in the compressed data", ocispec.MediaTypeImageLayerGzip, zipped[:len(zipped)-20]},
		{"ends before the checksum", ocispec.MediaTypeImageLayerGzip, zipped[:len(zipped)-8]},
		{"rubbish behind the compressed data", ocispec.MediaTypeImageLayerGzip, append(zipped[:len(zipped):len(zipped)], "rubbish"...)},
		{"ends in a frame", ocispec.MediaTypeImageLayerZstd, zstandard(t, plain)[:50]},
		{"gzip that is called not compressed", ocispec.MediaTypeImageLayer, zipped},
		{"encrypted", ocispec.MediaTypeImageLayerGzip + "+encrypted", zipped},
		{"no layer", ocispec.MediaTypeImageManifest, plain},
	} {
		t.Run(test.name, func(t *testing.T) {
			if index, _, err := treeindex.Read(t.Context(), bytes.NewReader(test.data), test.mediaType); err == nil {
				t.Errorf("got %v", index)
			}
		})
	}
}

// The engine refuses such layers as well, or the kernel does.
func TestRead_refused(t *testing.T) {
	for _, test := range []struct {
		name    string
		entries headers
		typed   byte // the type of the first entry
	}{
		{name: "an entry below a file", entries: headers{file("f", 0o644), file("f/a", 0o644)}},
		{name: "a path through a cycle of links", entries: headers{symlink("a", "b"), symlink("b", "a"), file("a/x", 0o644)}},
		{name: "a whiteout of the directory above", entries: headers{file("d/.wh...", 0)}},
		{name: "a whiteout of the directory itself", entries: headers{file("d/.wh..", 0)}},
		{name: "a whiteout of nothing", entries: headers{file("d/.wh.", 0)}},
		{name: "a hard link of a directory", entries: headers{dir("d", 0o755), hardlink("a", "d")}},
		{name: "a hard link of itself", entries: headers{file("a", 0o644), hardlink("a", "./a")}},
		{name: "a hard link of the root", entries: headers{hardlink("a", "/")}},
		{name: "a symbolic link to nothing", entries: headers{symlink("a", "")}},
		{name: "a symbolic link to a long path", entries: headers{symlink("a", strings.Repeat("x", 4096))}},
		{name: "a long name", entries: headers{file(strings.Repeat("x", 256), 0o644)}},
		{name: "a long name of a directory", entries: headers{file(strings.Repeat("x", 256)+"/a", 0o644)}},
		{name: "a long path", entries: headers{file(strings.Repeat("x/", 2048)+"a", 0o644)}},
		{name: "no possible owner", entries: headers{{Typeflag: tar.TypeReg, Name: "f", Uid: 1<<32 - 1}}},
		{name: "no possible device", entries: headers{device(tar.TypeChar, "c", 1<<32, 0)}},
		{name: "an unknown type", entries: headers{file("f", 0o644)}, typed: tar.TypeCont},
		{name: "a sparse file of old GNU tar", entries: headers{{Typeflag: tar.TypeReg, Name: "f", Format: tar.FormatGNU}}, typed: tar.TypeGNUSparse},
	} {
		t.Run(test.name, func(t *testing.T) {
			data := (&tarball{headers: test.entries}).bytes(t, 0)
			if test.typed != 0 {
				setType(data, test.typed)
			}
			_, _, err := treeindex.Read(t.Context(), bytes.NewReader(data), ocispec.MediaTypeImageLayer)
			if err == nil {
				t.Fatal("it was taken")
			}
			if last := test.entries[len(test.entries)-1].Name; !strings.Contains(err.Error(), strconv.Quote(last)) {
				t.Errorf("the error does not name the entry: %v", err)
			}
		})
	}
}

// setType changes the type of the first entry of a tar.
func setType(data []byte, kind byte) {
	const typeAt, sumAt, sumEnd = 156, 148, 156
	data[typeAt] = kind
	copy(data[sumAt:sumEnd], "        ")
	sum := 0
	for _, b := range data[:512] {
		sum += int(b)
	}
	copy(data[sumAt:sumEnd], fmt.Sprintf("%06o\x00 ", sum))
}

// GNU tar writes sparse files of the POSIX format as regular ones with an invented name.
func TestRead_sparse(t *testing.T) {
	var records string
	for _, record := range []string{"GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=etc/group", "GNU.sparse.realsize=100000"} {
		records += fmt.Sprintf("%d %s\n", len(record)+4, record)
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, part := range []string{records, "1\n0\n5\n" + strings.Repeat("\x00", 506) + "x:x:1"} {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "GNUSparseFile.1/group", Size: int64(len(part)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, part); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	setType(out.Bytes(), tar.TypeXHeader)
	index, _, err := treeindex.Read(t.Context(), &out, ocispec.MediaTypeImageLayer)
	if err != nil {
		t.Fatal(err)
	}
	data, err := treeindex.Stack(index).ReadFile(t.Context(), "/etc/group", 5)
	if err != nil || string(data) != "x:x:1" {
		t.Errorf("got %q, %v", data, err)
	}
}

func TestRead_contextEnds(t *testing.T) {
	cause := errors.New("the user has had enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	data := gzipped(t, (&tarball{headers: headers{file("a", 0o644)}}).bytes(t, 0))
	ends := io.MultiReader(bytes.NewReader(data[:len(data)-8]), readerFunc(func([]byte) (int, error) { cancel(cause); return 0, nil }))
	if _, _, err := treeindex.Read(ctx, ends, dockerGzip); !errors.Is(err, cause) {
		t.Errorf("got error %v", err)
	}
}

type readerFunc func([]byte) (int, error)

// Read implements io.Reader.
func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// A layer of few bytes that says a lot cannot fill the memory, even if it says it of one directory.
func TestRead_endless(t *testing.T) {
	long := dir("d", 0o755)
	long.PAXRecords = map[string]string{}
	for i := range 15 {
		long.PAXRecords[fmt.Sprintf("SCHILY.xattr.user.%d", i)] = strings.Repeat("x", 60<<10)
	}
	data := (&tarball{headers: headers{long}}).bytes(t, 0)
	entry := data[:len(data)-1024] // without the end
	read := 0
	endless := readerFunc(func(p []byte) (int, error) {
		n := copy(p, entry[read%len(entry):])
		read += n
		return n, nil
	})
	if _, _, err := treeindex.Read(t.Context(), endless, ocispec.MediaTypeImageLayer); err == nil || !strings.Contains(err.Error(), "too many") {
		t.Errorf("got error %v", err)
	}
}
