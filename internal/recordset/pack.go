package recordset

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// indexName returns the name of the file in a layer that Pack makes. It says which layer the index is of, so that no other one is taken for it.
func indexName(of digest.Digest) string { return "pulpimg-index-" + of.Encoded() }

// maxIndex bounds the size of a packed index. One of a base with 50,000 files has about 1 MB.
const maxIndex = 64 << 20

// A Packed is a layer with an index, or an empty one.
type Packed struct {
	Index
	// Content is the compressed layer.
	Content []byte
}

// Pack returns a layer that has the encoded index of another layer, by its diff ID, as a file. Equal indexes make equal layers.
func Pack(of digest.Digest, index []byte) (Packed, error) {
	return packed(func(w *tar.Writer) error {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: indexName(of), Mode: 0o644, Size: int64(len(index)), ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		_, err := w.Write(index)
		return err
	})
}

// Empty returns a layer that holds nothing.
func Empty() (Packed, error) { return packed(func(*tar.Writer) error { return nil }) }

func packed(fill func(*tar.Writer) error) (Packed, error) {
	var archive, compressed bytes.Buffer
	w := tar.NewWriter(&archive)
	if err := errors.Join(fill(w), w.Close()); err != nil {
		return Packed{}, err
	}
	z, err := gzip.NewWriterLevel(&compressed, gzip.BestSpeed) // an index is compressed already
	if err != nil {
		return Packed{}, err
	}
	if _, err := z.Write(archive.Bytes()); err != nil {
		return Packed{}, err
	}
	if err := z.Close(); err != nil {
		return Packed{}, err
	}
	out := Packed{Content: compressed.Bytes()}
	out.DiffID = digest.FromBytes(archive.Bytes())
	out.Blob = ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: digest.FromBytes(out.Content), Size: int64(len(out.Content))}
	return out, nil
}

// maxArchive bounds what is unpacked of a layer: an index, its header, and the end of an archive.
const maxArchive = maxIndex + 64<<10

// Unpack returns the encoded index of a layer, by its diff ID, in a layer that Pack made. It reads the layer to its end. What is no such layer is a [*DamagedError].
func Unpack(of digest.Digest, layer io.Reader) ([]byte, error) {
	source := &noting{inner: layer}
	index, err := unpack(of, source)
	switch {
	case source.err != nil:
		return nil, source.err
	case err != nil:
		return nil, &DamagedError{"the layer of an index is none: " + err.Error()}
	}
	return index, nil
}

func unpack(of digest.Digest, layer io.Reader) ([]byte, error) {
	z, err := gzip.NewReader(layer)
	if err != nil {
		return nil, err
	}
	archive := io.LimitReader(z, maxArchive)
	r := tar.NewReader(archive)
	header, err := r.Next()
	if err != nil {
		return nil, err
	}
	if header.Name != indexName(of) || header.Typeflag != tar.TypeReg || header.Size > maxIndex {
		return nil, errors.New("it has something else")
	}
	var content bytes.Buffer
	if _, err := io.Copy(&content, r); err != nil {
		return nil, err
	}
	if _, err := r.Next(); err != io.EOF {
		return nil, errors.New("it has more than an index")
	}
	// Behind the end of the archive is nothing but the checksum of the compression.
	if n, err := io.Copy(io.Discard, archive); n > 0 {
		return nil, errors.New("there is something behind its end")
	} else if err != nil {
		return nil, err
	}
	return content.Bytes(), nil
}

// A noting notes why its inner reader could not be read to its end.
type noting struct {
	inner io.Reader
	err   error
}

func (n *noting) Read(p []byte) (int, error) {
	read, err := n.inner.Read(p)
	if err != nil && err != io.EOF {
		n.err = err
	}
	return read, err
}
