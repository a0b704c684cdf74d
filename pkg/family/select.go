package family

import (
	"fmt"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// Select returns the family with only the named images and those that they are based on. The error for a name that no image has is an
// [UnknownImageError].
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

// An UnknownImageError reports that a spec declares no image of a name.
type UnknownImageError struct {
	// File is the name of the spec, Name the name that it does not have, and Hint what may have been meant.
	File, Name, Hint string
}

func (e *UnknownImageError) Error() string {
	text := fmt.Sprintf("%s has no image called %q", e.File, e.Name)
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

func unknownImage(f *Family, name string) error {
	var names []string
	for _, image := range f.Images {
		names = append(names, image.Name)
	}
	return &UnknownImageError{File: f.file(), Name: name, Hint: spec.DidYouMean(name, names)}
}
