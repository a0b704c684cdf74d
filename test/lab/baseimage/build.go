package baseimage

import (
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pulpimg/pulpimg/test/lab/debian"
)

// Build makes the base image and writes it as an OCI image layout into the
// folder dir, which must not be there. sources are the apt sources to take the
// packages from, in deb822 format; scratch is a folder that Build may leave
// files in. The tool mmdebstrap must be there. It takes half a minute.
func Build(ctx context.Context, scratch, dir, sources string) error {
	file := filepath.Join(scratch, "layer.tar")
	r := newRecipe(runtime.GOARCH)
	bootstrap := debian.Command{
		Args:  r.args(mode(), file),
		Env:   []string{"SOURCE_DATE_EPOCH=" + strconv.FormatInt(r.Epoch, 10)},
		Stdin: strings.NewReader(sources),
	}
	if err := bootstrap.Run(ctx); err != nil {
		return fmt.Errorf("making the base image: %w", err)
	}
	layer, err := tarball.LayerFromFile(file,
		tarball.WithMediaType(types.OCILayer),
		// It never leaves this machine: time matters more than size.
		tarball.WithCompressionLevel(gzip.BestSpeed))
	if err != nil {
		return fmt.Errorf("making the base image's layer: %w", err)
	}
	img, err := r.image(layer)
	if err != nil {
		return err
	}
	return writeLayout(dir, img)
}

// mode is how mmdebstrap gets to be root in the new file system.
func mode() string {
	if os.Geteuid() == 0 {
		return "root"
	}
	return "unshare"
}

func writeLayout(dir string, img v1.Image) error {
	path, err := layout.Write(dir, empty.Index)
	if err == nil {
		err = path.AppendImage(img)
	}
	if err != nil {
		return fmt.Errorf("writing the base image to %s: %w", dir, err)
	}
	return nil
}

// Load returns the base image that Build wrote into the folder dir.
func Load(dir string) (v1.Image, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the base image in %s: %w", dir, err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("reading the base image in %s: %w", dir, err)
	}
	if len(manifest.Manifests) != 1 {
		return nil, fmt.Errorf("reading the base image in %s: it holds %d images, want 1", dir, len(manifest.Manifests))
	}
	return index.Image(manifest.Manifests[0].Digest)
}
