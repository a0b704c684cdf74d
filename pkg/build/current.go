package build

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// Current returns the images of a family from the newest build that made all of them of what the spec and its files are now, under the
// references that the family has for them. If there is none, the error is a *StaleError about the last build, or [layout.ErrEmpty].
func (c Cache) Current(ctx context.Context, f *family.Family, from *layout.Layout) ([]layout.Image, error) {
	builds, err := from.Builds()
	if err != nil {
		return nil, err
	}
	inputsOf, err := c.inputsOf(ctx, f)
	if err != nil {
		return nil, err
	}
	for _, b := range builds {
		inputs, err := inputsOf(b)
		if err != nil {
			return nil, err
		}
		if images, ok := current(f, b, inputs); ok {
			return images, nil
		}
	}
	inputs, err := inputsOf(builds[0])
	if err != nil {
		return nil, err
	}
	return nil, stale(f, builds[0], inputs)
}

// current returns the images of a family from a build, if the build made each of them of the given inputs.
func current(f *family.Family, b layout.Build, inputs map[string]string) ([]layout.Image, bool) {
	published := f.Published()
	images := make([]layout.Image, len(published))
	for i, wanted := range published {
		built, ok := b.Image(wanted.Name)
		if !ok || !sameInputs(built, inputs) {
			return nil, false
		}
		built.References = wanted.References
		images[i] = built
	}
	return images, true
}

func sameInputs(built layout.Image, inputs map[string]string) bool {
	return built.Inputs == digest.NewDigestFromEncoded(digest.SHA256, inputs[built.Name])
}

// Search says which of the builds of an image will do.
type Search struct {
	// AnyInputs accepts a build of the image whatever the spec and its files are now.
	AnyInputs bool
	// ByReference accepts only builds that were made for the image's reference.
	ByReference bool
}

// Find returns one image of a family from the newest build that will do, or nil if no build made an image of that name and, if the reference
// matters, for that reference. If there are builds of it, but all are of something else than the spec and its files are now, the error is a
// *StaleError.
func (c Cache) Find(ctx context.Context, f *family.Family, from *layout.Layout, image *family.Image, how Search) (*layout.Image, error) {
	builds, err := from.Builds()
	if errors.Is(err, layout.ErrEmpty) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	builds = slices.DeleteFunc(builds, func(b layout.Build) bool {
		built, ok := b.Image(image.Name)
		return !ok || how.ByReference && !slices.Contains(built.References, image.Reference)
	})
	if len(builds) == 0 {
		return nil, nil
	}
	inputsOf, err := c.inputsOf(ctx, f)
	if err != nil {
		return nil, err
	}
	for _, b := range builds {
		inputs, err := inputsOf(b)
		if err != nil {
			return nil, err
		}
		if built, _ := b.Image(image.Name); how.AnyInputs || sameInputs(built, inputs) {
			return &built, nil
		}
	}
	inputs, err := inputsOf(builds[0])
	if err != nil {
		return nil, err
	}
	selected, err := f.Select(image.Name)
	if err != nil {
		return nil, err
	}
	return nil, stale(selected, builds[0], inputs)
}

// A StaleError reports that a build did not make what a spec and its files say now.
type StaleError struct {
	// Spec is the name of the spec's file.
	Spec  string
	Build layout.Build
	// Missing are images that the build did not make.
	Missing []string
	// Changed are images that it made of something else, without those that are based on them.
	Changed []string
}

func stale(f *family.Family, b layout.Build, inputs map[string]string) *StaleError {
	e := &StaleError{Spec: f.Spec.Filename, Build: b}
	differs := map[string]bool{}
	for _, image := range f.Published() {
		built, ok := b.Image(image.Name)
		switch {
		case !ok:
			e.Missing = append(e.Missing, image.Name)
		case !sameInputs(built, inputs):
			differs[image.Name] = true
			if image.Parent == nil || !differs[image.Parent.Name] {
				e.Changed = append(e.Changed, image.Name)
			}
		}
	}
	return e
}

func (e *StaleError) Error() string {
	var differences []string
	if len(e.Changed) > 0 {
		differences = append(differences, strings.Join(e.Changed, ", ")+" changed since, in the spec, its files or its variables")
	}
	if len(e.Missing) > 0 {
		differences = append(differences, "it did not build "+strings.Join(e.Missing, ", "))
	}
	return fmt.Sprintf("%s is not what %s says now: %s", e.Build, e.Spec, strings.Join(differences, "; "))
}
