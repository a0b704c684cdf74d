package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/pkg/build"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
	"github.com/pulpimg/pulpimg/pkg/publish"
)

// published returns the reference of each image that is meant to be run, by the digest under which it was published: as the last push
// from here recorded it, else as the registry says.
func (s *source) published(ctx context.Context, con console, f *family.Family, flags *registryFlags) (_ map[string]string, err error) {
	from, err := build.Cache{}.Layout(ctx, f)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	recorded, err := from.Published()
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, image := range f.Images {
		if !image.Runs() {
			continue
		}
		tag, err := name.NewTag(image.Reference)
		if err != nil {
			return nil, err
		}
		d, ok := recorded[tag.Name()]
		if !ok {
			if d, err = askDigest(ctx, con, f, image, flags); err != nil {
				return nil, withLastPush(err, recorded)
			}
		}
		out[image.Name] = byDigest(image.Reference, d)
	}
	noteOld(ctx, con, f, from, recorded)
	return out, nil
}

// noteOld says which images were published from here and are something else by now. What is printed for them is of the spec as it is, and names an
// image of before.
func noteOld(ctx context.Context, con console, f *family.Family, from *layout.Layout, recorded map[string]digest.Digest) {
	var old []string
	isPublished := func(image layout.Image) bool {
		tag, err := name.NewTag(image.Reference())
		d, ok := recorded[tag.Name()]
		return err != nil || !ok || d == image.Descriptor.Digest
	}
	current, err := build.Cache{}.Current(ctx, f, from)
	var stale *build.StaleError
	if errors.As(err, &stale) {
		old = stale.Changed
	}
	for _, image := range current {
		if !isPublished(image) {
			old = append(old, image.Name)
		}
	}
	if len(old) > 0 {
		fmt.Fprintf(con.err, "%s changed since the last push: the rest is of %s as it is, and the image of before; publish it with pulpimg build -f %s --push\n",
			strings.Join(old, ", "), f.Spec.Filename, f.Spec.Filename)
	}
}

func askDigest(ctx context.Context, con console, f *family.Family, image *family.Image, flags *registryFlags) (digest.Digest, error) {
	hash, err := publish.Resolve(ctx, image.Reference, flags.options(noteWaiting(con)))
	var missing *publish.NotFoundError
	if errors.As(err, &missing) {
		return "", fmt.Errorf("%s was not published: %s is not in the registry; run pulpimg build -f %s --push first, or name it by its tag with --by-tag",
			image.Name, image.Reference, f.Spec.Filename)
	}
	return digest.Digest(hash.String()), flags.hint(err)
}

// withLastPush says where the last push went, which may be where the images were meant to come from.
func withLastPush(err error, recorded map[string]digest.Digest) error {
	if len(recorded) == 0 {
		return err
	}
	first := slices.Min(slices.Collect(maps.Keys(recorded)))
	return fmt.Errorf("%w (the last push from here was of %s: is there a --registry or --tag missing?)", err, first)
}

// byDigest returns a reference by a digest instead of its tag.
func byDigest(tag string, d digest.Digest) string {
	return tag[:strings.LastIndexByte(tag, ':')] + "@" + d.String()
}

// tags returns the reference of each image by its tag.
func tags(f *family.Family) map[string]string {
	out := map[string]string{}
	for _, image := range f.Published() {
		out[image.Name] = image.Reference
	}
	return out
}
