package build

import (
	"maps"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/outside"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// baseAnnotations say of an image what it is based on: the nearest image of the family below it that is published, with the digest that it
// has in this build, or else what is from outside. What is based on nothing has none.
// https://github.com/opencontainers/image-spec/blob/main/annotations.md#pre-defined-annotation-keys
//
// They are no labels: an image inherits labels, and would say of itself what its base is based on.
func (p platformImage) baseAnnotations(built map[string]digest.Digest) map[string]string {
	if below := publishedBelow(p.source); below != nil {
		return annotationsOf(below.Reference, built[below.Name])
	}
	base := root(p.source).Base
	if base == family.Scratch {
		return nil
	}
	return annotationsOf(base, outside.DigestOf(p.image.BaseReference()))
}

// publishedBelow returns the nearest image below that is published; nil if there is none.
func publishedBelow(image *family.Image) *family.Image {
	below := image.Parent
	for below != nil && below.Unpublished {
		below = below.Parent
	}
	return below
}

func annotationsOf(name string, d digest.Digest) map[string]string {
	out := map[string]string{ocispec.AnnotationBaseImageName: name}
	if d != "" {
		out[ocispec.AnnotationBaseImageDigest] = d.String()
	}
	return out
}

// commonAnnotations returns those that the manifests of an image agree on. A base may have moved between the platforms.
func commonAnnotations(all []map[string]string) map[string]string {
	out := maps.Clone(all[0])
	for _, other := range all[1:] {
		maps.DeleteFunc(out, func(key, value string) bool { return other[key] != value })
	}
	return out
}
