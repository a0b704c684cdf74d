package spec

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// matrix reads the values of each variable of a matrix.
func (r *reader) matrix(n *yaml.Node, what string) []Named[[]Text] {
	var out []Named[[]Text]
	for _, p := range r.names(n, what) {
		var values []Text
		name := fmt.Sprintf("%s of %s", p.Name.Value, what)
		if r.texts(&values, name)(p.Value); len(values) == 0 && r.follow(p.Value).Kind == yaml.SequenceNode {
			r.report.Add(r.rangeOf(p.Value), `such as ["3.11", "3.12"]`, "%s has no values", name)
		}
		out = append(out, Named[[]Text]{Name: p.Name, Value: values})
	}
	if len(out) == 0 {
		r.report.Add(r.rangeOf(n), "", "%s has no variables", what)
	}
	return out
}

// checkMatrix reports an image with a matrix and no name, or the other way round.
func (r *reader) checkMatrix(i Image, what string) {
	switch {
	case len(i.Matrix) > 0 && !i.Name.IsSet():
		r.report.AddAt(i.Matrix[0].Name.At.Start, fmt.Sprintf(`such as name: "app-${{ %s }}"`, i.Matrix[0].Name.Value),
			"%s has a matrix, and needs a name for each of its images", what)
	case len(i.Matrix) == 0 && i.Name.IsSet():
		r.report.Add(i.Name.At, "", "%s has a name and no matrix: its key is its name", what)
	}
}
