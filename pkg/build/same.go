package build

import (
	"slices"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

// sameBuild returns the newest build in the layout that has the same images under the same references, and reports whether it is the newest
// of all; nil if there is none. If it is the newest, the build that asks is not added: it would push an older one out of the layout for nothing.
func (b builder) sameBuild(as layout.Build) (same *layout.Build, newest bool) {
	builds, err := b.into.Builds()
	if err != nil {
		return nil, false // there are none, or the index is damaged and is written again
	}
	for at, other := range builds {
		if slices.EqualFunc(as.Images, other.Images, sameImage) {
			return &other, at == 0
		}
	}
	return nil, false
}

func sameImage(a, b layout.Image) bool {
	return a.Name == b.Name && a.Inputs == b.Inputs && a.Descriptor.Digest == b.Descriptor.Digest && slices.Equal(a.References, b.References)
}
