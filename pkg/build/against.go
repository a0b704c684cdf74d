package build

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pulpimg/pulpimg/internal/recipe"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
	"github.com/pulpimg/pulpimg/pkg/publish"
)

// An against is what a plan compares with.
type against struct {
	name string // of it, for people; empty if there is nothing
	// images are the images by name, each with the build that made it.
	images map[string]layout.Image
	recipe *ocispec.Descriptor // of a blob that may be missing; nil if it is not known
	// tags are the digests that references point to, as far as it is known.
	tags map[string]digest.Digest
	// published are the images that registries have, each once for each registry.
	published []publishedImage
	// registry is set when the images are those of a registry.
	registry bool
}

// A publishedImage is an image that a registry has.
type publishedImage struct {
	layout.Image
	registry string
}

// digest returns the digest of an image, or nothing.
func (a against) digest(image *family.Image) digest.Digest {
	if a.registry {
		return a.tag(image.Reference)
	}
	return a.images[image.Name].Descriptor.Digest
}

// tag returns the digest that a reference points to, or nothing.
func (a against) tag(reference string) digest.Digest { return a.tags[fullName(reference)] }

// fullName returns a reference as the record of a publication has it.
func fullName(reference string) string {
	if tag, err := name.NewTag(reference); err == nil {
		return tag.Name()
	}
	return reference
}

// since returns what is different now. Without the recipe of what is compared with, the reasons are not known, which changes nothing of what is
// done. One that is the same as now is not read.
func (a against) since(now recipe.Recipe, encoded []byte, in *layout.Blobs) map[string]recipe.Difference {
	if a.recipe == nil || a.recipe.Digest == digest.FromBytes(encoded) {
		return nil
	}
	data, err := in.Read(*a.recipe)
	if err != nil {
		return nil
	}
	kept, err := recipe.Decode(data)
	if err != nil {
		return nil
	}
	return now.Since(kept)
}

// compareWith returns the last build in the layout or, with published, what the registries have.
func (b builder) compareWith(ctx context.Context, published bool) (against, error) {
	builds, err := b.into.Builds()
	if err != nil {
		builds = nil // there are none, or the index is damaged: the next build writes it again
	}
	a := against{images: map[string]layout.Image{}}
	if !published {
		a.tags, _ = b.into.Published() // without it, more tags seem to move than do
	} else {
		if a.tags, err = b.publishedTags(ctx); err != nil {
			return against{}, err
		}
		a.registry = true
	}
	known := map[digest.Digest]map[string]bool{}
	for reference, d := range a.tags {
		if known[d] == nil {
			known[d] = map[string]bool{}
		}
		known[d][registryOf(reference)] = true
	}
	for _, build := range builds {
		for _, image := range build.Images {
			for registry := range known[image.Descriptor.Digest] {
				a.published = append(a.published, publishedImage{image, registry})
			}
			delete(known, image.Descriptor.Digest) // several builds have it, and its layers are the same
		}
	}
	switch {
	case published:
		a.take("what is published", a.ofRegistry(b.family, builds))
	case len(builds) > 0:
		a.take(builds[0].String(), builds[:1])
	}
	return a, nil
}

// ofRegistry returns the newest build of which the registry has an image; the recipe of it is what is compared with.
func (a against) ofRegistry(f *family.Family, builds []layout.Build) []layout.Build {
	for i, build := range builds {
		for _, image := range f.Published() {
			if built, ok := build.Image(image.Name); ok && built.Descriptor.Digest == a.tag(image.Reference) {
				return builds[i : i+1]
			}
		}
	}
	return nil
}

// take takes over what is known of a build, if there is one.
func (a *against) take(name string, builds []layout.Build) {
	if a.registry && len(a.tags) == 0 {
		return
	}
	a.name = name
	if len(builds) == 0 {
		return
	}
	for _, image := range builds[0].Images {
		a.images[image.Name] = image
	}
	a.recipe = builds[0].Recipe
}

// publishedTags asks the registries for the digests of all references of the family.
func (b builder) publishedTags(ctx context.Context) (map[string]digest.Digest, error) {
	tags := map[string]digest.Digest{}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxQueries)
	for _, image := range b.family.Published() {
		for _, reference := range image.References {
			group.Go(func() error {
				found, err := publish.Resolve(ctx, reference, publish.Options{Keychain: b.Keychain, Registries: b.Registries, Greetings: b.Greetings})
				var missing *publish.NotFoundError
				if errors.As(err, &missing) {
					return nil
				}
				if err != nil {
					return fmt.Errorf("asking what is published: %w", err)
				}
				mu.Lock()
				defer mu.Unlock()
				tags[fullName(reference)] = digest.Digest(found.String())
				return nil
			})
		}
	}
	return tags, group.Wait()
}

// recipe returns what the images are made of now, also as it is kept.
func (b builder) recipe(ctx context.Context) (now recipe.Recipe, encoded []byte, err error) {
	now, err = recipe.Of(ctx, b.families, b.Platforms, recipe.Sources{
		Sum: b.sum,
		Fetch: func(ctx context.Context, image *family.Image, at int) (digest.Digest, error) {
			content, err := b.fetch(ctx, image, at)
			return digest.FromBytes(content), err
		},
		Base: func(ctx context.Context, reference string, platform ocispec.Platform) (digest.Digest, error) {
			base, err := b.lookUpBase(ctx, nil, nil, reference, platform)
			if err != nil {
				return "", err
			}
			return base.Manifest, nil
		},
		Build: b.build,
	})
	if err != nil {
		return recipe.Recipe{}, nil, err
	}
	encoded, err = now.Encode()
	return now, encoded, err
}

// recipeType is the media type of a recipe. It never leaves this machine.
const recipeType = "application/vnd.pulpimg.recipe+json"
