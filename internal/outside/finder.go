package outside

import (
	"context"
	"io"
	"strings"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/policy"
	"github.com/pulpimg/pulpimg/pkg/layout"
	"github.com/pulpimg/pulpimg/pkg/publish"
	"github.com/pulpimg/pulpimg/pkg/registries"
)

// A Finder finds images. Its methods may be called at the same time.
type Finder struct {
	Registries *registries.Config
	Policy     policy.Policy
	Reader     *publish.Reader
	// Known keeps manifests and configs by digest. What is in it is asked of nobody. If it is nil, everything is.
	Known *layout.Blobs
}

// An Image is an image from outside for one platform.
type Image struct {
	// Name is the reference that was asked for.
	Name string
	// Reference is where it is, which may be a mirror, with the digest. If no registry had to be asked, that is the first place of several.
	Reference string
	// Digest is the digest of the index if the reference names one, and otherwise of the manifest.
	Digest digest.Digest
	// Manifest describes the manifest for the platform.
	Manifest ocispec.Descriptor
	// Layers are as an exporter writes them into the manifest of an image on top of this one.
	Layers []ocispec.Descriptor
	Config dockerspec.DockerOCIImage
}

// Digest returns the digest of what a reference stands for: of the index, if it is one. It asks nobody about a reference with a digest, and
// otherwise one place after the other until one of them has it.
//
// Errors wrap [publish.NotFoundError], [publish.CredentialsError] and [publish.UnreachableError], or a [policy.DeniedError] and a
// [registries.BlockedError], which come before any registry is asked. They are in a [PlacesError] if there are several places.
func (f Finder) Digest(ctx context.Context, reference string) (digest.Digest, error) {
	meant, err := f.Policy.Image(ctx, reference)
	if err != nil {
		return "", err
	}
	if known := DigestOf(meant.Reference); known != "" {
		return known, check(meant, known)
	}
	var found digest.Digest
	err = f.each(ctx, meant, func(place string) (err error) {
		found, err = f.digestAt(ctx, meant, place)
		return err
	})
	return found, err
}

// Find looks up an image for a platform.
//
// Errors are those of [Finder.Digest]; a [PlatformError]; an [UnsupportedError]; a [publish.ContentError], and others for damaged images.
func (f Finder) Find(ctx context.Context, reference string, platform ocispec.Platform) (Image, error) {
	meant, err := f.Policy.Image(ctx, reference)
	if err != nil {
		return Image{}, err
	}
	if len(meant.Other) > 0 {
		return Image{}, &UnsupportedError{"the source policy says " + strings.Join(meant.Other, " and ") + " of it"}
	}
	var image Image
	err = f.each(ctx, meant, func(place string) error {
		found, err := f.digestAt(ctx, meant, place)
		if err != nil {
			return err
		}
		image, err = f.read(ctx, Pinned(place, found), found, platform)
		return err
	})
	if err != nil {
		return Image{}, err
	}
	image.Name = reference
	return image, nil
}

// Open opens a layer of an image where it is, or else at one of the other places of the image. What is read is compared with the digest and
// the size at its end: until Read has returned [io.EOF], it may be anything. Errors are those of [publish.Reader.Blob].
func (f Finder) Open(ctx context.Context, image Image, desc ocispec.Descriptor) (io.ReadCloser, error) {
	blob, err := f.Reader.Blob(ctx, image.Reference, desc)
	if err == nil || ctx.Err() != nil || image.Name == "" {
		return blob, err
	}
	meant, denied := f.Policy.Image(ctx, image.Name)
	if denied != nil {
		return nil, denied
	}
	failed := PlacesError{Places: []string{image.Reference}, Errs: []error{err}}
	places, err := f.places(meant)
	if err != nil {
		return nil, err
	}
	for _, place := range places {
		if Pinned(place, image.Digest) == image.Reference {
			continue
		}
		if blob, err = f.Reader.Blob(ctx, place, desc); err == nil || ctx.Err() != nil {
			return blob, err
		}
		failed.add(place, err)
	}
	return nil, failed.orOnly()
}

// each calls a function with one place after the other until it succeeds.
func (f Finder) each(ctx context.Context, meant policy.Image, at func(place string) error) error {
	places, err := f.places(meant)
	if err != nil {
		return err
	}
	var failed PlacesError
	for _, place := range places {
		err := at(place)
		if err == nil || ctx.Err() != nil {
			return err
		}
		failed.add(place, err)
	}
	return failed.orOnly()
}

func (f Finder) places(meant policy.Image) ([]string, error) {
	sources, err := f.Registries.Sources(meant.Reference)
	if err != nil {
		return nil, err
	}
	places := make([]string, len(sources))
	for i, source := range sources {
		places[i] = source.Reference
	}
	return places, nil
}

// digestAt returns the digest of what a place has.
func (f Finder) digestAt(ctx context.Context, meant policy.Image, place string) (digest.Digest, error) {
	found := DigestOf(place)
	if found == "" {
		var err error
		if found, err = f.Reader.Digest(ctx, place); err != nil {
			return "", err
		}
	}
	return found, check(meant, found)
}

// check compares a digest with the one that the source policy says.
func check(meant policy.Image, found digest.Digest) error {
	if meant.Checksum != "" && meant.Checksum != found {
		return &ChecksumError{Want: meant.Checksum, Got: found}
	}
	return nil
}

func (e *PlacesError) add(place string, err error) {
	e.Places, e.Errs = append(e.Places, place), append(e.Errs, err)
}

// orOnly returns the error of the only place, if there is only one.
func (e *PlacesError) orOnly() error {
	if len(e.Errs) == 1 {
		return e.Errs[0]
	}
	return e
}
