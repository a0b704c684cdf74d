package publish

import (
	"maps"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

// earlier says where an earlier publication put layers.
type earlier struct {
	// layers has an image by its digest for each layer and registry.
	layers map[digest.Digest]map[string]string
	// former has what was published under a reference.
	former map[string]layout.Source
}

// earlierOf reads what is known of the last publication from a layout. What cannot be read costs an upload.
func earlierOf(from *layout.Layout) earlier {
	published, _ := from.Published()
	builds, _ := from.Builds()
	images := map[digest.Digest]layout.Image{}
	for _, build := range builds {
		for _, image := range build.Images {
			images[image.Descriptor.Digest] = image
		}
	}
	out := earlier{layers: map[digest.Digest]map[string]string{}, former: map[string]layout.Source{}}
	for _, reference := range slices.Sorted(maps.Keys(published)) {
		tag, err := name.NewTag(reference)
		image, there := images[published[reference]]
		if err == nil && there {
			out.add(from, image, tag)
		}
	}
	return out
}

// add adds the layers of an image that is published under a tag.
func (e earlier) add(from *layout.Layout, image layout.Image, tag name.Tag) {
	at, registry := tag.Digest(image.Descriptor.Digest.String()).Name(), tag.RegistryStr()
	former := layout.Source{References: []string{at}, Layers: map[digest.Digest]int64{}}
	for _, layer := range layersOf(from, image) {
		former.Layers[layer.Digest] = layer.Size
		if e.layers[layer.Digest] == nil {
			e.layers[layer.Digest] = map[string]string{}
		}
		if e.layers[layer.Digest][registry] == "" {
			e.layers[layer.Digest][registry] = at
		}
	}
	e.former[tag.Name()] = former
}

// sources returns those of an image, and where else a registry has its layers: above all, in what its tag pointed to. What another registry has
// is not wanted: this user may have lost the right to read it, and an error about that helps nobody.
func (e earlier) sources(from *layout.Layout, image layout.Image, tag name.Tag) []layout.Source {
	out := slices.Clone(image.Sources)
	if former, ok := e.former[tag.Name()]; ok {
		out = append(out, former)
	}
	for _, layer := range layersOf(from, image) {
		if at := e.layers[layer.Digest][tag.RegistryStr()]; at != "" {
			out = append(out, layout.Source{References: []string{at}, Layers: map[digest.Digest]int64{layer.Digest: layer.Size}})
		}
	}
	return out
}

// layersOf returns the layers of an image for all platforms.
func layersOf(from *layout.Layout, image layout.Image) []ocispec.Descriptor {
	var out []ocispec.Descriptor
	for _, desc := range image.Manifests {
		manifest, err := from.Manifest(desc)
		if err != nil {
			continue
		}
		out = append(out, manifest.Layers...)
	}
	return out
}
