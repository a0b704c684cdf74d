package layout

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// annotationSources has the sources of an image, as JSON. An image without sources has none.
const annotationSources = "org.pulpimg.sources"

// A Source says where layers of an image are that this program did not make, such as those of a base from outside. They need not be in
// the layout.
type Source struct {
	// References are images that have the layers, REGISTRY/REPOSITORY@DIGEST, in the order in which they are tried.
	References []string `json:"references"`
	// Layers are the sizes of the layers, by digest.
	Layers map[digest.Digest]int64 `json:"layers"`
}

// Sourced reports whether a source has a layer of the image.
func (i Image) Sourced(layer ocispec.Descriptor) bool {
	return slices.ContainsFunc(i.Sources, func(s Source) bool {
		size, ok := s.Layers[layer.Digest]
		return ok && size == layer.Size && len(s.References) > 0
	})
}

// parseSources reads the annotation. What cannot be read stands for no source: as long as all layers are in the layout, nobody needs one, and
// a layer that is missing counts as lost.
func parseSources(text string) []Source {
	var sources []Source
	if text == "" || json.Unmarshal([]byte(text), &sources) != nil || !slices.ContainsFunc(sources, Source.valid) {
		return nil
	}
	return slices.DeleteFunc(sources, func(s Source) bool { return !s.valid() })
}

// valid reports whether a source can be used.
func (s Source) valid() bool {
	for _, reference := range s.References {
		if repository, at, ok := strings.Cut(reference, "@"); !ok || repository == "" || digest.Digest(at).Validate() != nil {
			return false
		}
	}
	for d, size := range s.Layers {
		if d.Validate() != nil || size < 0 {
			return false
		}
	}
	return len(s.References) > 0 && len(s.Layers) > 0
}
