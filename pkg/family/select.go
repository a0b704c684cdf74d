package family

import (
	"fmt"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// Select returns the family with only the named images and those that they need: what they are based on or take files from. The key of an
// image with a matrix names all images of the matrix. The error for a name that no image has is an [UnknownImageError].
func (f *Family) Select(names ...string) (*Family, error) {
	wanted := map[*Image]bool{}
	var want func(*Image)
	want = func(image *Image) {
		if !wanted[image] {
			wanted[image] = true
			for _, needed := range image.Uses() {
				want(needed)
			}
		}
	}
	for _, name := range names {
		images := f.Called(name)
		if len(images) == 0 {
			return nil, unknownImage(f, name)
		}
		for _, image := range images {
			want(image)
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

// Published returns the images of the family that are published, in build order.
func (f *Family) Published() []*Image {
	var out []*Image
	for _, image := range f.Images {
		if !image.Unpublished {
			out = append(out, image)
		}
	}
	return out
}

// Unused returns the images that are not published and that no other image of the family needs. They are built for what their commands do,
// such as running tests.
func (f *Family) Unused() []*Image {
	used := map[*Image]bool{}
	for _, image := range f.Images {
		for _, needed := range image.Uses() {
			used[needed] = true
		}
	}
	var out []*Image
	for _, image := range f.Images {
		if image.Unpublished && !used[image] {
			out = append(out, image)
		}
	}
	return out
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
