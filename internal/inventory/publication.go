package inventory

import (
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// overridden returns the values of a list that the spec sets, or those that override it. They have the place of the first.
func (l lister) overridden(values []string, declared []spec.Text, is bool, by Source) []Value {
	if !is {
		return l.words(values, declared)
	}
	origin := Origin{Source: by}
	if len(declared) > 0 {
		origin.At = l.at(declared[0].At)
	}
	var out []Value
	for _, v := range values {
		out = append(out, Value{v, origin})
	}
	return out
}

// firstAndAll returns the first of some values and, if there are several, all of them.
func (lister) firstAndAll(values []Value) (first Value, all []Value) {
	switch len(values) {
	case 0:
		return Value{}, nil
	case 1:
		return values[0], nil
	}
	return values[0], values
}

// published lists what an image is published under.
func (l lister) published(out *Image, f *family.Family, i *family.Image) {
	if len(i.References) > 1 {
		out.References = i.References
	}
	if t := i.Declared.Repository; t.IsSet() {
		out.Repository = new(l.specValue(i.Repository, t))
	}
	if len(i.Declared.Tags) > 0 && !f.Overrides.Tag {
		out.Tags = l.words(i.Tags, i.Declared.Tags)
	}
}
