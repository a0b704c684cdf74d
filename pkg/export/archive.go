package export

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	ggcrlayout "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

// DockerArchive writes images of a layout into one file, as `docker save` does. The form has no place for several platforms of an image.
func DockerArchive(ctx context.Context, from *layout.Layout, built []layout.Image, file string) (err error) {
	images, err := archiveImages(from, built)
	if err != nil {
		return err
	}
	out, err := os.CreateTemp(filepath.Dir(file), ".archive-*")
	if err != nil {
		return fmt.Errorf("writing the docker archive %s: %w", file, err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("writing the docker archive %s: %w", file, err)
			_ = os.Remove(out.Name()) // the error that counts is the first one
		}
	}()
	writeErr := writeArchive(ctx, images, out)
	closeErr := out.Close()
	if writeErr != nil {
		return writeErr
	}
	if closeErr != nil {
		return closeErr
	}
	if err := os.Chmod(out.Name(), 0o644); err != nil {
		return err
	}
	return os.Rename(out.Name(), file)
}

func writeArchive(ctx context.Context, images map[name.Tag]v1.Image, w io.Writer) error {
	return tarball.MultiWrite(images, cancelled{ctx, w})
}

// cancelled is a writer that fails when its context ends.
type cancelled struct {
	ctx context.Context
	w   io.Writer
}

func (c cancelled) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.w.Write(p)
}

func archiveImages(from *layout.Layout, images []layout.Image) (map[name.Tag]v1.Image, error) {
	out := map[name.Tag]v1.Image{}
	for _, image := range images {
		if n := len(image.Manifests); n != 1 {
			return nil, fmt.Errorf("%s is for %d platforms, and a docker archive holds one: choose one with --platform", image.Name, n)
		}
		tag, err := name.NewTag(image.Reference)
		if err != nil {
			return nil, err
		}
		digest, err := v1.NewHash(image.Manifests[0].Digest.String())
		if err != nil {
			return nil, err
		}
		if out[tag], err = ggcrlayout.Path(from.Dir()).Image(digest); err != nil {
			return nil, err
		}
	}
	return out, nil
}
