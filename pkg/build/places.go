package build

import (
	"context"
	"maps"
	"slices"

	"github.com/distribution/reference"
	spb "github.com/moby/buildkit/sourcepolicy/pb"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/outside"
	"github.com/pulpimg/pulpimg/internal/policy"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// A placer finds out where the layers of bases are.
type placer struct {
	policy *spb.Policy
	known  map[placed][]string // what it has found out
}

// placed is a base as it was resolved, and as the spec calls it.
type placed struct{ resolved, called string }

// source returns where the layers are that an image for one platform has of its base from outside, the first ones of its target. It has no
// references for a base whose digest is not known, and for scratch.
func (p placer) source(ctx context.Context, image platformImage, target []ocispec.Descriptor) layout.Source {
	resolved := image.image.BaseReference()
	known := outside.DigestOf(resolved)
	n := min(image.image.BaseLayers(), len(target))
	if known == "" || n == 0 {
		return layout.Source{}
	}
	s := layout.Source{Layers: make(map[digest.Digest]int64, n)}
	for _, l := range target[:n] {
		s.Layers[l.Digest] = l.Size
	}
	base := placed{resolved, root(image.source).Base}
	references, ok := p.known[base] // many images have the same base
	if !ok {
		references = p.references(ctx, base, known)
		p.known[base] = references
	}
	s.References = references
	return s
}

// references returns where a base with a digest is. It was resolved at the first place, which may be a mirror. Its own place is the second one then.
func (p placer) references(ctx context.Context, base placed, known digest.Digest) []string {
	places := []string{base.resolved}
	if meant, err := policy.New(p.policy).Image(ctx, base.called); err == nil {
		places = append(places, meant.Reference)
	}
	var out []string
	for _, place := range places {
		if at := byDigest(place, known); at != "" && !slices.Contains(out, at) {
			out = append(out, at)
		}
	}
	return out
}

// byDigest returns the reference of an image in the repository of another one, or nothing if that has none.
func byDigest(ref string, d digest.Digest) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return ""
	}
	canonical, err := reference.WithDigest(reference.TrimNamed(named), d)
	if err != nil {
		return ""
	}
	return canonical.String()
}

// withSource adds a source to those of an image. One of the same references is the same base for another platform.
func withSource(all []layout.Source, s layout.Source) []layout.Source {
	if len(s.References) == 0 {
		return all
	}
	for _, known := range all {
		if slices.Equal(known.References, s.References) {
			maps.Copy(known.Layers, s.Layers)
			return all
		}
	}
	return append(all, s)
}
