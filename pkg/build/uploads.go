package build

import (
	"slices"
	"sync"
	"time"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/recipe"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// Uploads are about what a publication has to send.
type uploads struct {
	in      *layout.Layout
	against against
	there   map[upload]bool // the layers that registries have
	counted map[upload]bool // those that are counted
	total   int64
	created time.Time // the time of what file layers hold
}

// An upload is a layer, by its digest or the key of its step, on its way to a registry.
type upload struct {
	registry string
	layer    digest.Digest
}

// newUploads begins to count. The layers that registries told of are in them.
func newUploads(in *layout.Layout, a against, created time.Time, told *lookup) uploads {
	u := uploads{in: in, against: a, created: created, there: map[upload]bool{}, counted: map[upload]bool{}}
	for _, image := range a.published {
		for _, desc := range u.layers(image.Image) {
			u.there[upload{image.registry, desc.Digest}] = true
		}
	}
	for d, reference := range told.layers() {
		u.there[upload{registryOf(reference), d}] = true
	}
	return u
}

// layers returns the layers of an image for all platforms.
func (u uploads) layers(image layout.Image) []ocispec.Descriptor {
	var out []ocispec.Descriptor
	for _, desc := range image.Manifests {
		if manifest, err := u.in.Manifest(desc); err == nil {
			out = append(out, manifest.Layers...)
		}
	}
	return out
}

// addAll adds the layers of an image for one platform to what goes to each registry of a published image, which it is or which is based on it.
func (u *uploads) addAll(seen *forecast.Image, differs recipe.Difference, published *family.Image) {
	var registries []string
	for _, reference := range published.References {
		if registry := registryOf(reference); !slices.Contains(registries, registry) {
			registries = append(registries, registry)
			u.add(seen, differs, registry)
		}
	}
}

// add adds the layers of an image: those of its base, and those of its own steps.
func (u *uploads) add(seen *forecast.Image, differs recipe.Difference, registry string) {
	if seen.Below == nil && seen.Base != nil && registry != registryOf(seen.Base.Reference) { // otherwise they are mounted
		for _, l := range seen.Base.Layers {
			u.layer(registry, l)
		}
	}
	before := sync.OnceValues(func() (map[int]ocispec.Descriptor, bool) { return u.before(seen, differs) })
	for at, step := range seen.Steps {
		switch {
		case !step.Makes:
			continue
		case step.State == forecast.Same && step.Record.Blob != nil:
			u.layer(registry, *step.Record.Blob)
			continue
		}
		layers, sameTime := before()
		was, had := layers[at]
		switch {
		case !step.Command && had && sameTime && !slices.ContainsFunc(differs.Changes, func(c recipe.Change) bool { return c.Step == at }):
			u.layer(registry, was) // the same files are probably the same layer, whatever runs below them
		default:
			u.layer(registry, ocispec.Descriptor{Digest: step.Key, Size: was.Size})
		}
	}
}

func (u *uploads) layer(registry string, l ocispec.Descriptor) {
	if one := (upload{registry, l.Digest}); !u.there[one] && !u.counted[one] {
		u.counted[one] = true
		u.total += l.Size
	}
}

// before returns the layers that the steps of an image made in the image that the plan compares with: the new ones are about as large. It
// reports whether what they hold has the time that a layer has now.
func (u uploads) before(seen *forecast.Image, differs recipe.Difference) (map[int]ocispec.Descriptor, bool) {
	var (
		layers []ocispec.Descriptor
		config ocispec.Image
	)
	for _, desc := range u.against.images[seen.Source.Name].Manifests {
		if desc.Platform != nil && !platforms.OnlyStrict(seen.Platform).Match(*desc.Platform) {
			continue
		}
		if manifest, err := u.in.Manifest(desc); err == nil && u.in.Blobs().ReadJSON(manifest.Config, &config) == nil {
			layers = manifest.Layers
		}
	}
	out := map[int]ocispec.Descriptor{}
	last := 0
	for i := len(seen.Steps) - 1; i >= 0; i-- {
		if !seen.Steps[i].Makes {
			continue
		}
		last++
		at := last
		if differs.Layers != nil {
			at = differs.Layers[i]
		}
		if at > 0 && at <= len(layers) {
			out[i] = layers[len(layers)-at]
		}
	}
	return out, config.Created != nil && config.Created.Equal(u.created)
}

// registryOf returns the registry of a reference.
func registryOf(ref string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return ""
	}
	return reference.Domain(named)
}
