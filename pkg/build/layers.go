package build

import (
	"fmt"

	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// A LayersError reports that an image would have more layers than docker can pull.
type LayersError struct {
	Image *family.Image
	// Base is how many layers the base from outside has, and Steps how many the steps make.
	Base, Steps int
}

func (e *LayersError) Error() string {
	return fmt.Sprintf("%s would have %d layers: %d of %s and %d of its steps and those that it inherits; more than %d cannot be pulled by docker",
		known(e.Image).Name, e.Base+e.Steps, e.Base, root(known(e.Image)).Base, e.Steps, family.MaxLayers)
}

// checkLayers returns an error for the first image on a base from outside that would have too many layers.
func checkLayers(f *family.Family, on string, base llb.Base) error {
	below := len(base.Config.RootFS.DiffIDs)
	for _, image := range f.Images {
		if steps := image.Layers(); root(image).Base == on && below+steps > family.MaxLayers {
			return &LayersError{Image: image, Base: below, Steps: steps}
		}
	}
	return nil
}

// root returns the first ancestor of an image in the family, which has a base from outside; it may be the image itself.
func root(image *family.Image) *family.Image {
	for image.Parent != nil {
		image = image.Parent
	}
	return image
}
