package build

import (
	"maps"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// baseAnnotations say of an image what it is based on: the nearest image of the family below it that is published, with the digest that it
// has in this build, or else what is from outside. What is based on nothing has none.
// https://github.com/opencontainers/image-spec/blob/main/annotations.md#pre-defined-annotation-keys
//
// They are no labels: an image inherits labels, and would say of itself what its base is based on.
func (p platformImage) baseAnnotations(built map[string]digest.Digest) map[string]string {
	below := p.source
	for below.Parent != nil {
		if below = below.Parent; !below.Unpublished {
			return annotationsOf(below.Reference, built[below.Name])
		}
	}
	if below.Base == family.Scratch {
		return nil
	}
	return annotationsOf(below.Base, digestOf(p.image.BaseReference()))
}

func annotationsOf(name string, d digest.Digest) map[string]string {
	out := map[string]string{ocispec.AnnotationBaseImageName: name}
	if d != "" {
		out[ocispec.AnnotationBaseImageDigest] = d.String()
	}
	return out
}

// digestOf returns the digest in a reference, if it has one.
func digestOf(ref string) digest.Digest {
	named, err := reference.ParseNormalizedNamed(ref)
	if digested, ok := named.(reference.Digested); ok && err == nil {
		return digested.Digest()
	}
	return ""
}

// commonAnnotations returns those that the manifests of an image agree on. A base may have moved between the platforms.
func commonAnnotations(all []map[string]string) map[string]string {
	out := maps.Clone(all[0])
	for _, other := range all[1:] {
		maps.DeleteFunc(out, func(key, value string) bool { return other[key] != value })
	}
	return out
}
