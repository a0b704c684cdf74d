package spec

import "gopkg.in/yaml.v3"

// RefreshHint says what to write for how old something may be.
const RefreshHint = `write a whole number of hours, days or weeks, such as "12h", "7d" or "2w", or "never"`

// refresh reads how old what a command got from the network may be. A number without a unit is no time: to quote it is no remedy.
func (r *reader) refresh(into *Text) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if scalar := r.follow(n); scalar.Kind == yaml.ScalarNode && scalar.ShortTag() != "!!str" && !isNull(scalar) {
			*into = Text{Value: "?", At: r.rangeOf(n)}
			r.report.Add(into.At, RefreshHint, "refresh has to be a span of time, not %s", kindOf(scalar))
			return
		}
		r.text(into, "refresh")(n)
	}
}
