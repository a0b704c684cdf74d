package family

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// maxCombinations bounds the images that one matrix makes.
const maxCombinations = 1000

// A declaration is what one image of the family is declared by. An image of the spec with a matrix declares several.
type declaration struct {
	name   spec.Text   // of the one image
	key    string      // what the spec calls it
	image  *spec.Image // what it says
	matrix []Variable  // the image's combination, in the order of the matrix
}

// declare finds out what images the spec declares.
func (r *resolver) declare() {
	r.declared, r.ofMatrix = map[string]declaration{}, map[string][]declaration{}
	keys := map[string]bool{}
	for _, i := range r.spec.Images {
		keys[i.Name.Value] = len(i.Value.Matrix) == 0
		if len(i.Value.Matrix) > 0 {
			r.checkImageName(i.Name) // its images have names of their own, which are checked with them
		}
	}
	for _, d := range r.declarations() {
		name := d.name.Value
		if len(d.matrix) > 0 {
			if name = r.nameOf(d); name == "" {
				continue
			}
			d.name = spec.Text{Value: name, At: d.image.Name.At}
		}
		other, taken := r.declared[name]
		switch {
		case taken && other.key == d.key:
			r.report.Add(d.name.At, "the name has to have all variables of the matrix in it", "two images of the matrix are called %q", name)
			continue
		case taken, len(d.matrix) > 0 && keys[name]:
			r.report.Add(d.name.At, "", "%q is the name of another image, too", name)
			continue
		}
		r.declared[name] = d
		r.names = append(r.names, name)
		if len(d.matrix) > 0 {
			r.ofMatrix[d.key] = append(r.ofMatrix[d.key], d)
		}
	}
}

// declarations returns the images that the spec declares, those with a matrix without their names.
func (r *resolver) declarations() []declaration {
	out := make([]declaration, 0, len(r.spec.Images))
	for at := range r.spec.Images {
		i := &r.spec.Images[at]
		d := declaration{name: i.Name, key: i.Name.Value, image: &i.Value}
		if len(i.Value.Matrix) == 0 {
			out = append(out, d)
			continue
		}
		for _, combination := range r.combinations(i) {
			if r.budget.done() {
				break
			}
			d.matrix = combination
			out = append(out, d)
		}
	}
	return out
}

// nameOf returns the name of an image of a matrix; nothing, if it has none.
func (r *resolver) nameOf(d declaration) (name string) {
	r.within(d, func() {
		value, ok := r.substitute.expand(d.image.Name, atBuild)
		if ok {
			name = value
		}
		if ok && value == "" {
			r.report.Add(d.image.Name.At, "", "the name of an image is empty")
		}
	})
	return name
}

// combinations returns all combinations of the values of a matrix. The last variable changes fastest.
func (r *resolver) combinations(i *spec.Named[spec.Image]) [][]Variable {
	out := [][]Variable{nil}
	for _, axis := range i.Value.Matrix {
		values, ok := r.axis(axis)
		if !ok {
			return nil
		}
		if len(out)*len(values) > maxCombinations {
			r.report.Add(axis.Name.At, "", "the matrix of %s makes more than %d images", i.Name.Value, maxCombinations)
			return nil
		}
		next := make([][]Variable, 0, len(out)*len(values))
		for _, before := range out {
			for _, v := range values {
				next = append(next, append(slices.Clone(before), v))
			}
		}
		out = next
	}
	return out
}

// axis returns the values of one variable of a matrix.
func (r *resolver) axis(axis spec.Named[[]spec.Text]) (values []Variable, ok bool) {
	name := axis.Name
	checkVariableName(r.report, name)
	if _, declared := r.substitute.missing.declared[name.Value]; declared {
		r.report.Add(name.At, "give one of them another name", "%q is a variable of the spec, too", name.Value)
		return nil, false
	}
	ok = true
	seen := map[string]bool{}
	for _, t := range axis.Value {
		value, expanded := r.substitute.expand(t, atBuild)
		if expanded && seen[value] {
			r.report.Add(t.At, "", "the matrix has %q twice for %s", value, name.Value)
			expanded = false
		}
		ok = ok && expanded
		seen[value] = true
		values = append(values, Variable{Name: name.Value, Value: value, Source: FromMatrix, At: t.At})
	}
	return values, ok
}

// TextIn returns what the matrix of an image says for a value of it, with the variables that it names.
func (v Variable) TextIn(in spec.Image) spec.Text {
	for _, axis := range in.Matrix {
		for _, t := range axis.Value {
			if axis.Name.Value == v.Name && t.At == v.At {
				return t
			}
		}
	}
	return spec.Text{}
}

// quietly returns a resolver that reports to another report, also that variables have no value.
func (r *resolver) quietly(report *spec.Report) *resolver {
	quiet := *r
	quiet.report, quiet.budget = report, newBudget(report)
	quiet.substitute.report, quiet.substitute.budget = report, quiet.budget
	missing := *r.substitute.missing
	missing.report, missing.optional = report, true
	quiet.substitute.missing = &missing
	return &quiet
}

// within calls a function while the variables of an image's matrix are known.
func (r *resolver) within(d declaration, do func()) {
	for _, v := range d.matrix {
		r.substitute.values[v.Name] = &v.Value
		r.substitute.origins.inherit(v.Name, spec.Text{At: v.At})
	}
	defer func() {
		for _, v := range d.matrix {
			delete(r.substitute.values, v.Name)
			r.substitute.origins.forget(v.Name)
		}
	}()
	do()
}

// meant returns the name of the image that a string of another one names. Between images with a matrix, the name of the matrix stands for the
// image with the same values.
func (r *resolver) meant(value string, from declaration, at spec.Range) (name string, ok bool) {
	of := r.ofMatrix[value]
	if len(of) == 0 {
		return value, true
	}
	for _, d := range of {
		if sameValues(d, from) {
			return d.name.Value, true
		}
	}
	if _, ok := r.declared[value]; ok {
		return value, true
	}
	var names []string
	for _, d := range of {
		names = append(names, d.name.Value)
	}
	hint := "name one of them, or give this image the same matrix"
	if len(from.matrix) > 0 {
		hint = "name one of them, or give this image's matrix the same values"
	}
	const shown = 5
	if len(names) > shown {
		names = append(names[:shown], fmt.Sprintf("and %d more", len(names)-shown))
	}
	r.report.Add(at, hint, "%s is several images: %s", value, strings.Join(names, ", "))
	return "", false
}

// sameValues reports whether an image has the values of another one for all variables of its matrix.
func sameValues(of, as declaration) bool {
	for _, v := range of.matrix {
		if !slices.ContainsFunc(as.matrix, func(w Variable) bool { return w.Name == v.Name && w.Value == v.Value }) {
			return false
		}
	}
	return true
}

// called returns the names of the images that a name stands for, as [Family.Called] does.
func (r *resolver) called(name string) []string {
	if _, ok := r.declared[name]; ok {
		return []string{name}
	}
	var out []string
	for _, d := range r.ofMatrix[name] {
		out = append(out, d.name.Value)
	}
	return out
}

// Called returns the images that a name stands for: the one that has it, or all of the matrix that has it as its key.
func (f *Family) Called(name string) []*Image {
	var ofKey []*Image
	for _, image := range f.Images {
		if image.Name == name {
			return []*Image{image}
		}
		if image.Key == name {
			ofKey = append(ofKey, image)
		}
	}
	return ofKey
}
