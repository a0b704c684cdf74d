package publish

import (
	"maps"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

// earlier says where an earlier publication put layers: an image by its digest for each layer and registry.
type earlier map[digest.Digest]map[string]string

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
	out := earlier{}
	for _, reference := range slices.Sorted(maps.Keys(published)) {
		tag, err := name.NewTag(reference)
		image, there := images[published[reference]]
		if err == nil && there {
			out.add(from, image, tag.Repository)
		}
	}
	return out
}

// add adds the layers of an image that a repository has.
func (e earlier) add(from *layout.Layout, image layout.Image, at name.Repository) {
	for _, layer := range layersOf(from, image) {
		if e[layer] == nil {
			e[layer] = map[string]string{}
		}
		if e[layer][at.RegistryStr()] == "" {
			e[layer][at.RegistryStr()] = at.Digest(image.Descriptor.Digest.String()).Name()
		}
	}
}

// sources returns those of an image, and where else a registry has its layers. What another registry has is not wanted: this user may have lost
// the right to read it, and an error about that helps nobody.
func (e earlier) sources(from *layout.Layout, image layout.Image, in name.Registry) []layout.Source {
	out := slices.Clone(image.Sources)
	for _, layer := range layersOf(from, image) {
		if at := e[layer][in.RegistryStr()]; at != "" {
			out = append(out, layout.Source{References: []string{at}, Layers: map[digest.Digest]int64{layer: 0}})
		}
	}
	return out
}

// layersOf returns the layers of an image for all platforms.
func layersOf(from *layout.Layout, image layout.Image) []digest.Digest {
	var out []digest.Digest
	for _, desc := range image.Manifests {
		manifest, err := from.Manifest(desc)
		if err != nil {
			continue
		}
		for _, layer := range manifest.Layers {
			out = append(out, layer.Digest)
		}
	}
	return out
}
