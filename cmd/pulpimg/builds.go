package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/pkg/build"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// builtImages returns the images of a family from the newest build that made all of them of what the spec and its files are now, under the
// references that the family has for them. If there is none, the error says in what the last build differs.
func builtImages(ctx context.Context, f *family.Family, from *layout.Layout) ([]layout.Image, error) {
	builds, err := buildsOf(f, from)
	if err != nil {
		return nil, err
	}
	inputs, err := inputsOf(ctx, f)
	if err != nil {
		return nil, err
	}
	for _, b := range builds {
		if images, ok := current(f, b, inputs); ok {
			return images, nil
		}
	}
	return nil, staleness(f, builds[0], inputs)
}

// buildsOf returns the builds of a layout, the last one first. That there is none is an error.
func buildsOf(f *family.Family, from *layout.Layout) ([]layout.Build, error) {
	builds, err := from.Builds()
	if errors.Is(err, layout.ErrEmpty) {
		return nil, fmt.Errorf("%w: run pulpimg build -f %s first", err, f.Spec.Filename)
	}
	return builds, err
}

// inputsOf returns what the images of a family would be built from now.
func inputsOf(ctx context.Context, f *family.Family) (map[string]string, error) {
	layers, err := openLayers()
	if err != nil {
		return nil, err
	}
	return build.Inputs(ctx, f, layers)
}

// current returns the images of a family from a build, if the build made each of them of the given inputs.
func current(f *family.Family, b layout.Build, inputs map[string]string) ([]layout.Image, bool) {
	images := make([]layout.Image, len(f.Images))
	for i, wanted := range f.Images {
		built, ok := b.Image(wanted.Name)
		if !ok || !sameInputs(built, inputs) {
			return nil, false
		}
		built.Reference = wanted.Reference
		images[i] = built
	}
	return images, true
}

func sameInputs(built layout.Image, inputs map[string]string) bool {
	return built.Inputs == digest.NewDigestFromEncoded(digest.SHA256, inputs[built.Name])
}

// A staleError says that a build did not make what is asked for.
type staleError struct {
	spec    string
	build   layout.Build
	missing []string // images that it did not make
	changed []string // images that it made of something else, without those that are based on them
}

func staleness(f *family.Family, b layout.Build, inputs map[string]string) *staleError {
	e := &staleError{spec: f.Spec.Filename, build: b}
	differs := map[string]bool{}
	for _, image := range f.Images {
		built, ok := b.Image(image.Name)
		switch {
		case !ok:
			e.missing = append(e.missing, image.Name)
		case !sameInputs(built, inputs):
			differs[image.Name] = true
			if image.Parent == nil || !differs[image.Parent.Name] {
				e.changed = append(e.changed, image.Name)
			}
		}
	}
	return e
}

func (e *staleError) Error() string {
	var differences []string
	if len(e.changed) > 0 {
		differences = append(differences, strings.Join(e.changed, ", ")+" changed since, in the spec, its files or --set")
	}
	if len(e.missing) > 0 {
		differences = append(differences, "it did not build "+strings.Join(e.missing, ", "))
	}
	return fmt.Sprintf("build %d (%s) is not what %s says now: %s; run pulpimg build -f %s, or take that build as it is with --last-build",
		e.build.Number, buildTime(e.build), e.spec, strings.Join(differences, "; "), e.spec)
}

// buildTime is when a build was made, for people, in their own time zone.
func buildTime(b layout.Build) string { return b.Time.Local().Format("2006-01-02 15:04") }

// lastBuild returns the images of the last build, whatever the spec says now, under the references that they were built for.
func lastBuild(f *family.Family, from *layout.Layout) (layout.Build, error) {
	builds, err := buildsOf(f, from)
	if err != nil {
		return layout.Build{}, err
	}
	return builds[0], nil
}

// builtImage returns an image of a family from the newest build that made it of what the spec and its files are now, or, if any build will
// do, from the newest one. It is nil when no build made an image of that name and, if the reference matters, that reference.
func builtImage(ctx context.Context, f *family.Family, from *layout.Layout, image *family.Image, anyInputs, byReference bool) (*layout.Image, error) {
	builds, err := from.Builds()
	if errors.Is(err, layout.ErrEmpty) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	builds = slices.DeleteFunc(builds, func(b layout.Build) bool {
		built, ok := b.Image(image.Name)
		return !ok || byReference && built.Reference != image.Reference
	})
	if len(builds) == 0 {
		return nil, nil
	}
	inputs, err := inputsOf(ctx, f)
	if err != nil {
		return nil, err
	}
	for _, b := range builds {
		if built, _ := b.Image(image.Name); anyInputs || sameInputs(built, inputs) {
			return &built, nil
		}
	}
	selected, err := f.Select(image.Name)
	if err != nil {
		return nil, err
	}
	return nil, staleness(selected, builds[0], inputs)
}
