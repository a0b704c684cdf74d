package layout

import (
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Missing returns the layers of an image that are not in the layout, each once.
func (l *Layout) Missing(image Image) ([]ocispec.Descriptor, error) {
	var missing []ocispec.Descriptor
	seen := map[digest.Digest]bool{}
	for _, desc := range image.Manifests {
		manifest, err := l.Manifest(desc)
		if err != nil {
			return nil, err
		}
		for _, layer := range manifest.Layers {
			if !seen[layer.Digest] && !l.blobs.Has(layer) {
				missing = append(missing, layer)
			}
			seen[layer.Digest] = true
		}
	}
	return missing, nil
}
