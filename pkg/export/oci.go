package export

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

// OCI copies a layout into a directory, which is made when it is not there. A directory that holds anything but an image layout is
// refused, because what is in a layout is replaced.
func OCI(ctx context.Context, from *layout.Layout, dir string) error {
	if err := replaceable(dir); err != nil {
		return err
	}
	to, err := layout.Open(dir)
	if err != nil {
		return err
	}
	if err := to.Copy(ctx, from); err != nil {
		return fmt.Errorf("copying the images to %s: %w", dir, err)
	}
	return nil
}

func replaceable(dir string) error {
	names, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(names) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking at %s: %w", dir, err)
	}
	if _, err := os.Stat(filepath.Join(dir, ocispec.ImageLayoutFile)); err != nil {
		return fmt.Errorf("%s holds something else than an image layout: name an empty or a new directory", dir)
	}
	return nil
}
