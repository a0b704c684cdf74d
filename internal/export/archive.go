package export

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	ggcrlayout "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

// A PlatformsError reports that an image is for more platforms than a docker archive holds, which is one.
type PlatformsError struct {
	Image     string
	Platforms int // how many there are
}

func (e *PlatformsError) Error() string {
	return fmt.Sprintf("%s is for %d platforms, and a docker archive holds one", e.Image, e.Platforms)
}

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
			return nil, &PlatformsError{Image: image.Name, Platforms: n}
		}
		digest, err := v1.NewHash(image.Manifests[0].Digest.String())
		if err != nil {
			return nil, err
		}
		content, err := ggcrlayout.Path(from.Dir()).Image(digest)
		if err != nil {
			return nil, err
		}
		for _, reference := range image.References {
			tag, err := name.NewTag(reference)
			if err != nil {
				return nil, err
			}
			out[tag] = content // the same value for all tags: then the archive has the image once
		}
	}
	return out, nil
}

// Imported returns the digest of the manifest that containerd makes of an image in a docker archive. The archive has no OCI manifest, and
// docker with containerd's image store identifies the image by the one that containerd makes.
// https://github.com/containerd/containerd/blob/main/core/images/archive/importer.go
func Imported(manifest ocispec.Manifest) (digest.Digest, error) {
	made := struct {
		SchemaVersion int                  `json:"schemaVersion"`
		MediaType     types.MediaType      `json:"mediaType"`
		Config        ocispec.Descriptor   `json:"config"`
		Layers        []ocispec.Descriptor `json:"layers"`
	}{
		SchemaVersion: 2,
		MediaType:     types.DockerManifestSchema2,
		Config:        imported(manifest.Config, types.DockerConfigJSON),
		Layers:        make([]ocispec.Descriptor, len(manifest.Layers)),
	}
	for i, l := range manifest.Layers {
		mediaType := types.DockerLayer // of every compression
		if t := types.MediaType(l.MediaType); t == types.OCIUncompressedLayer || t == types.DockerUncompressedLayer {
			mediaType = types.DockerUncompressedLayer
		}
		made.Layers[i] = imported(l, mediaType)
	}
	data, err := json.Marshal(made)
	return digest.FromBytes(data), err
}

func imported(desc ocispec.Descriptor, mediaType types.MediaType) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: string(mediaType), Digest: desc.Digest, Size: desc.Size}
}
