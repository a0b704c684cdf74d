package spec

import "gopkg.in/yaml.v3"

// RecordsHint says what to write for where records are kept.
const RecordsHint = `write a repository such as "registry.example.com/team/records", or "none"`

// records reads where records are kept. A truth value or a number is no place: to quote it is no remedy.
func (r *reader) records(into *Text) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if scalar := r.follow(n); scalar.Kind == yaml.ScalarNode && scalar.ShortTag() != "!!str" && !isNull(scalar) {
			*into = Text{Value: "?", At: r.rangeOf(n)}
			r.report.Add(into.At, RecordsHint, "records has to be a repository, not %s", kindOf(scalar))
			return
		}
		before := r.report.Len()
		r.text(into, "records")(n)
		if into.Value == "" && r.report.Len() == before {
			r.report.Add(into.At, RecordsHint, "records of the spec is empty")
		}
	}
}
