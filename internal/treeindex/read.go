package treeindex

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/ctxreader"
)

// bufferSize is the size of the buffers before and behind the decompression.
const bufferSize = 64 << 10

// Read reads a layer of a media type to its end. It returns the index of the layer and its diff ID.
func Read(ctx context.Context, r io.Reader, mediaType string) (index *Index, diffID digest.Digest, err error) {
	decompressed, err := decompress(ctxreader.New(ctx, r), mediaType)
	if err != nil {
		return nil, "", fmt.Errorf("reading a layer: %w", err)
	}
	defer func() { err = errors.Join(err, decompressed.Close()) }()
	digester := digest.SHA256.Digester()
	stream := bufio.NewReaderSize(io.TeeReader(decompressed, digester.Hash()), bufferSize)
	b := newBuilder()
	if err := b.readAll(tar.NewReader(stream)); err != nil {
		return nil, "", fmt.Errorf("reading a layer: %w", err)
	}
	if _, err := io.Copy(io.Discard, stream); err != nil { // what is behind the end of the archive is in the diff ID
		return nil, "", fmt.Errorf("reading a layer: %w", err)
	}
	return b.index(), digester.Digest(), nil
}

func (b *builder) readAll(r *tar.Reader) error {
	for number := 0; ; number++ {
		header, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := b.add(number, header, r); err != nil {
			return fmt.Errorf("its entry %q: %w", header.Name, err)
		}
	}
}

// decompress returns the tar of a layer. The media type says whether it may be compressed, and the content how: media types were not always
// right, and so containerd looks at no more of them.
// https://github.com/containerd/containerd/blob/v2.4.2/pkg/archive/compression/compression.go
func decompress(r io.Reader, mediaType string) (io.ReadCloser, error) {
	buffered := bufio.NewReaderSize(r, bufferSize)
	switch compressed, ok := isCompressed(mediaType); {
	case !ok:
		return nil, fmt.Errorf("its media type %q is unknown", mediaType)
	case !compressed:
		return io.NopCloser(buffered), nil
	}
	start, err := buffered.Peek(8)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b, 0x08}):
		return gzip.NewReader(buffered)
	case isZstd(start):
		zr, err := zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return zr.IOReadCloser(), nil
	}
	return io.NopCloser(buffered), nil
}

// maxWindow bounds the memory for zstd. It is as much as the zstd program takes.
const maxWindow = 128 << 20

// isZstd reports whether data begins like zstd, which may have skippable frames first: https://www.rfc-editor.org/rfc/rfc8878#section-3
func isZstd(data []byte) bool {
	if len(data) < 4 {
		return false
	}
	magic := binary.LittleEndian.Uint32(data)
	return magic == 0xfd2fb528 || len(data) == 8 && magic&^0xf == 0x184d2a50
}

// isCompressed reports whether layers of a media type are compressed, and false for ok if it is none of a layer.
// https://github.com/containerd/containerd/blob/v2.4.2/core/images/mediatypes.go
func isCompressed(mediaType string) (compressed, ok bool) {
	if plain, ok := strings.CutPrefix(mediaType, "application/vnd.docker.image.rootfs.foreign."); ok {
		mediaType = "application/vnd.docker.image.rootfs." + plain
	}
	if plain, ok := strings.CutPrefix(mediaType, "application/vnd.oci.image.layer.nondistributable."); ok {
		mediaType = "application/vnd.oci.image.layer." + plain
	}
	switch mediaType {
	case ocispec.MediaTypeImageLayer:
		return false, true
	case ocispec.MediaTypeImageLayerGzip, ocispec.MediaTypeImageLayerZstd, "application/vnd.docker.image.rootfs.diff.tar.gzip",
		"application/vnd.docker.image.rootfs.diff.tar.zstd":
		return true, true
	case "application/vnd.docker.image.rootfs.diff.tar": // it may be compressed or not
		return true, true
	}
	return false, false
}
