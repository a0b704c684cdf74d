package inventory

import (
	"slices"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// A Start is what a container does when it starts, in the order of the keys.
type Start struct {
	At        string   `json:"at"`
	Require   *Require `json:"require,omitempty"`
	Configure []Value  `json:"configure,omitempty"`
	Wait      []Value  `json:"wait,omitempty"`
	// Init are the commands before Command, word by word.
	Init    [][]Value `json:"init,omitempty"`
	User    *Value    `json:"user,omitempty"`
	Workdir *Value    `json:"workdir,omitempty"`
	Umask   *Value    `json:"umask,omitempty"`
	Command []Value   `json:"command"`
}

// A Require is what has to exist before a container starts.
type Require struct {
	Sockets []Value `json:"sockets,omitempty"`
	Files   []Value `json:"files,omitempty"`
	// Variables are all variables that a container needs to start: those that the image requires, those that the environment requires, and
	// those that a command uses. The last are built-in.
	Variables []Value `json:"variables,omitempty"`
}

func (l lister) start(f *family.Family, s *family.Start, declared spec.Start) *Start {
	out := &Start{
		At:        l.at(declared.At),
		Require:   l.require(f, s, declared),
		Configure: l.words(s.Configure, declared.Configure),
		Wait:      l.words(s.Wait, declared.Wait),
		User:      l.optional(s.User, declared.User, ""),
		Workdir:   l.optional(s.Workdir, declared.Workdir, ""),
		Umask:     l.optional(s.Umask, declared.Umask, ""),
		Command:   l.words(s.Command, declared.Command),
	}
	for i, command := range s.Init {
		out.Init = append(out.Init, l.words(command, declared.Init[i]))
	}
	return out
}

func (l lister) require(f *family.Family, s *family.Start, declared spec.Start) *Require {
	if len(s.Sockets)+len(s.Files)+len(s.Variables) == 0 {
		return nil
	}
	out := &Require{Sockets: l.each(s.Sockets, declared.Sockets, declared.At), Files: l.each(s.Files, declared.Files, declared.At)}
	for _, name := range s.Variables {
		out.Variables = append(out.Variables, l.required(f, name, declared.Variables))
	}
	return out
}

// each returns values with their places. If the spec lists a value more than once, the places of the values are unknown, and each gets the
// place of the object that has the list.
func (l lister) each(values []string, declared []spec.Text, in spec.Range) []Value {
	if len(values) == len(declared) {
		return l.words(values, declared)
	}
	var out []Value
	for _, v := range values {
		out = append(out, Value{v, Origin{Source: FromSpec, At: l.at(in)}})
	}
	return out
}

// required returns a variable with the place that requires it: the image, the environment, or, if neither does, a command that uses it.
func (l lister) required(f *family.Family, name string, declared []spec.Text) Value {
	if i := slices.IndexFunc(declared, func(t spec.Text) bool { return t.Value == name }); i >= 0 {
		return l.specValue(name, declared[i])
	}
	out := Value{name, Origin{Source: BuiltIn}}
	for _, v := range f.Spec.Environment {
		if v.Name.Value != name {
			continue
		}
		out.At = l.at(v.Name.At)
		if v.Value.Required {
			out.Source = FromSpec
		}
	}
	return out
}
