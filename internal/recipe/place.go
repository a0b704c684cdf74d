package recipe

import (
	"maps"
	"slices"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// orAt returns a place or, if it is none, another one.
func orAt(at, otherwise spec.Range) spec.Range {
	if at.Start.Line > 0 {
		return at
	}
	return otherwise
}

// firstAt returns the place of the first string of a list.
func firstAt(list []spec.Text) spec.Range {
	if len(list) == 0 {
		return spec.Range{}
	}
	return list[0].At
}

func textsAt(list []spec.Text) []spec.Range {
	out := make([]spec.Range, len(list))
	for i, t := range list {
		out[i] = t.At
	}
	return out
}

// placeOf returns where something of a name has its value.
func placeOf(list []spec.Named[spec.Text], name string) spec.Range {
	for _, n := range list {
		if n.Name.Value == name {
			return n.Value.At
		}
	}
	return spec.Range{}
}

func placeOfStart(d spec.Image) spec.Range {
	if d.Start == nil {
		return spec.Range{}
	}
	return d.Start.At
}

// declared returns what the spec says of a step of an image; nothing, for one that is not among those of the spec, such as the start script.
func declared(image *family.Image, at int) spec.Step {
	if at < len(image.Declared.Steps) {
		return image.Declared.Steps[at]
	}
	return spec.Step{}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
