package treeindex

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/pulpimg/pulpimg/internal/ctxreader"
)

// Contents calls a function with each entry of a layer of a media type, in order, and with the number that [Tree.Origin] has for it. The
// content is that of a regular file; it is gone when the function returns.
func Contents(ctx context.Context, r io.Reader, mediaType string, each func(header int, h *tar.Header, content io.Reader) error) (err error) {
	decompressed, err := decompress(ctxreader.New(ctx, r), mediaType)
	if err != nil {
		return fmt.Errorf("reading a layer: %w", err)
	}
	defer func() { err = errors.Join(err, decompressed.Close()) }()
	archive := tar.NewReader(decompressed)
	for number := 0; ; number++ {
		h, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading a layer: %w", err)
		}
		if err := each(number, h, archive); err != nil {
			return err
		}
	}
}
