package family

import (
	"fmt"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// Select returns the family with only the named images and those that they are based on.
func (f *Family) Select(names ...string) (*Family, error) {
	wanted := map[*Image]bool{}
	for _, name := range names {
		image, ok := f.Image(name)
		if !ok {
			return nil, unknownImage(f, name)
		}
		for ; image != nil; image = image.Parent {
			wanted[image] = true
		}
	}
	selected := *f
	selected.Images = nil
	for _, image := range f.Images {
		if wanted[image] {
			selected.Images = append(selected.Images, image)
		}
	}
	return &selected, nil
}

func unknownImage(f *Family, name string) error {
	var names []string
	for _, image := range f.Images {
		names = append(names, image.Name)
	}
	err := fmt.Errorf("%s has no image called %q", f.file(), name)
	if hint := spec.DidYouMean(name, names); hint != "" {
		err = fmt.Errorf("%w (%s)", err, hint)
	}
	return err
}
