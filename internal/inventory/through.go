package inventory

import (
	"slices"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// A tracer finds the variables from the command line that strings of the spec depend on.
type tracer struct {
	defaults map[string]string   // of the spec's variables that are not given
	through  map[string][]string // by the name of a variable: the given ones that its value depends on
}

func newTracer(f *family.Family) tracer {
	t := tracer{defaults: map[string]string{}, through: map[string][]string{}}
	for _, v := range f.Spec.Variables {
		if v.Value.Default != nil {
			t.defaults[v.Name.Value] = v.Value.Default.Value
		}
	}
	for _, v := range f.Variables {
		if v.Overridden {
			t.through[v.Name] = []string{v.Name}
		}
	}
	return t
}

// of returns the given variables that a string depends on, directly or through the defaults of others, each once.
func (t tracer) of(text string) []string {
	var out []string
	for _, name := range family.VariablesOf(text) {
		found, ok := t.through[name]
		if !ok {
			found = t.of(t.defaults[name]) // it ends: a resolved family has no cycles
			t.through[name] = found
		}
		for _, given := range found {
			if !slices.Contains(out, given) {
				out = append(out, given)
			}
		}
	}
	return out
}

// origin returns where a string of the spec came from. If a part of it came from the command line, all of it did.
func (l lister) origin(source Source, t spec.Text) Origin {
	out := Origin{Source: source, At: l.at(t.At), Through: l.tracer.of(t.Value)}
	if len(out.Through) > 0 {
		out.Source = l.overrides.Variable
	}
	return out
}
