package inventory

import (
	"maps"
	"slices"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// A tracer finds the given variables that strings of the spec depend on.
type tracer struct {
	sources  map[string]Source   // of the given variables
	defaults map[string]string   // of the spec's variables
	through  map[string][]string // by the name of a variable: the given ones that its value depends on
}

func newTracer(f *family.Family, overrides Overrides) tracer {
	t := tracer{sources: map[string]Source{}, defaults: map[string]string{}, through: map[string][]string{}}
	for _, v := range f.Spec.Variables {
		if v.Value.Default != nil {
			t.defaults[v.Name.Value] = v.Value.Default.Value
		}
	}
	for _, v := range f.Variables {
		switch v.Source {
		case family.FromDefault:
			continue
		case family.FromGit:
			t.sources[v.Name] = FromGit
		case family.FromFile:
			t.sources[v.Name] = Source(v.File)
		case family.FromEnviron:
			t.sources[v.Name] = Source(family.EnvironPrefix + v.Name)
		default:
			t.sources[v.Name] = overrides.Variable
		}
		t.through[v.Name] = []string{v.Name}
	}
	return t
}

// within returns a tracer that knows the variables of an image's matrix, too.
func (t tracer) within(i *family.Image) tracer {
	if len(i.Matrix) == 0 {
		return t
	}
	t.sources, t.through = maps.Clone(t.sources), maps.Clone(t.through)
	for _, v := range i.Matrix {
		t.sources[v.Name] = FromMatrix
		t.through[v.Name] = append([]string{v.Name}, t.of(v.TextIn(i.Declared).Value)...)
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

// origin returns where a string of the spec came from. If it depends on given variables, it came from where the first of them did.
func (l lister) origin(source Source, t spec.Text) Origin {
	out := Origin{Source: source, At: l.at(t.At), Through: l.tracer.of(t.Value)}
	if len(out.Through) > 0 {
		out.Source = l.tracer.sources[out.Through[0]]
	}
	return out
}
