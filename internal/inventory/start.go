package inventory

import (
	"slices"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// A Start is what a container does when it starts, in the order of the keys.
type Start struct {
	At string `json:"at"`
	// Abstract says that there is no command: images that are based on this one inherit the rest.
	Abstract  bool     `json:"abstract,omitempty"`
	Require   *Require `json:"require,omitempty"`
	Configure []Value  `json:"configure,omitempty"`
	Wait      []Value  `json:"wait,omitempty"`
	// Init are the commands before Command, word by word.
	Init    [][]Value `json:"init,omitempty"`
	User    *Value    `json:"user,omitempty"`
	Workdir *Value    `json:"workdir,omitempty"`
	Umask   *Value    `json:"umask,omitempty"`
	Command []Value   `json:"command,omitempty"`
}

// A Require is what has to exist before a container starts.
type Require struct {
	Sockets []Value `json:"sockets,omitempty"`
	Files   []Value `json:"files,omitempty"`
	// Variables are all variables that a container needs to start: those that the image requires, those that the environment requires, and
	// those that a command uses. The last are built-in.
	Variables []Value `json:"variables,omitempty"`
}

func (l lister) start(f *family.Family, i *family.Image) *Start {
	s, declared := i.Start, *i.Declared.Start
	if s == nil {
		s = i.AbstractStart
	}
	from := i.InheritedStart
	out := &Start{
		At:        l.at(declared.At),
		Abstract:  declared.IsAbstract(),
		Require:   l.require(f, i, s),
		Configure: l.inheritedWords(s.Configure, declared.Configure, from[spec.StartConfigure]),
		Wait:      l.inheritedWords(s.Wait, declared.Wait, from[spec.StartWait]),
		User:      l.optional(s.User, declared.User, from[spec.StartUser]),
		Workdir:   l.optional(s.Workdir, declared.Workdir, from[spec.StartWorkdir]),
		Umask:     l.optional(s.Umask, declared.Umask, from[spec.StartUmask]),
		Command:   l.words(s.Command, declared.Command),
	}
	for n, command := range s.Init {
		out.Init = append(out.Init, l.inheritedWords(command, declared.Init[n], from[spec.StartInit]))
	}
	return out
}

func (l lister) require(f *family.Family, i *family.Image, s *family.Start) *Require {
	if len(s.Sockets)+len(s.Files)+len(s.Variables) == 0 {
		return nil
	}
	declared, from := *i.Declared.Start, i.InheritedStart
	out := &Require{
		Sockets: l.each(f, i, s.Sockets, declared.Sockets, from[spec.StartSockets]),
		Files:   l.each(f, i, s.Files, declared.Files, from[spec.StartFiles]),
	}
	for _, name := range s.Variables {
		v := l.required(f, name, declared.Variables)
		if names(declared.Variables, name) {
			v.Image = from[spec.StartVariables]
		}
		out.Variables = append(out.Variables, v)
	}
	return out
}

// each returns values with their places. If the spec lists a value more than once, the places of the values are unknown, and each gets the
// place of the start that has the list.
func (l lister) each(f *family.Family, i *family.Image, values []string, declared []spec.Text, from string) []Value {
	if len(values) == len(declared) {
		return l.inheritedWords(values, declared, from)
	}
	if other, ok := f.Image(from); ok {
		i = other
	}
	var out []Value
	for _, v := range values {
		out = append(out, Value{v, Origin{Source: FromSpec, At: l.at(i.Declared.Start.At), Image: from}})
	}
	return out
}

// inheritedWords returns values that an image inherits from another one, or its own if that is empty.
func (l lister) inheritedWords(values []string, declared []spec.Text, from string) []Value {
	out := l.words(values, declared)
	for n := range out {
		out[n].Image = from
	}
	return out
}

func names(list []spec.Text, name string) bool {
	return slices.ContainsFunc(list, func(t spec.Text) bool { return t.Value == name })
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
