package family

import (
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/shell"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// Here the start script gets its words. The shell puts variables of the environment in; nothing else in a value means anything to it.

// assignments returns an assignment for each variable with a default, in an order in which each finds what it needs. An empty variable
// counts as one that is not set.
func (e environment) assignments() []string {
	var out []string
	for _, v := range e.byNeed {
		if v.Default != nil {
			out = append(out, v.Name+"=${"+v.Name+":-"+e.word(*v.Default)+"}")
		}
	}
	return out
}

// exports returns the names of the variables that the script sets.
func (e environment) exports() string {
	var names []string
	for _, v := range e.variables {
		if v.Default != nil {
			names = append(names, v.Name)
		}
	}
	return strings.Join(names, " ")
}

// word makes a word of a value that may name variables.
func (e environment) word(value string) string {
	if len(startVariables(value)) == 0 {
		return shell.Quote(strings.ReplaceAll(value, "$${", "${"))
	}
	literal := strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`")
	var b strings.Builder
	for _, p := range pieces(value, atStart) {
		switch p.kind {
		case ofStart:
			name := p.name
			if !e.certain[name] {
				name += ":-"
			}
			b.WriteString("${" + name + "}")
		case escape:
			b.WriteString(`\${`)
		default:
			b.WriteString(literal.Replace(p.text))
		}
	}
	return `"` + b.String() + `"`
}

// arguments returns the words of a command, which may name variables of the environment. A secret must not be among them.
func (r *resolver) arguments(words []spec.Text) []string {
	var out []string
	for _, w := range words {
		value := r.substitute.text(w, atStart)
		for _, name := range startVariables(value) {
			if r.env.secret[name] {
				r.report.Add(w.At, "the process finds it in its environment", "%s is secret, and a command line is for everybody to see", name)
			}
		}
		out = append(out, value)
	}
	return out
}

// command writes the words of a command for the shell.
func (r *resolver) command(arguments []string) string {
	out := make([]string, len(arguments))
	for i, value := range arguments {
		out[i] = r.env.word(value)
	}
	return strings.Join(out, " ")
}

// mustBeSet returns the variables that a container of a role does not start without: those that are required, those that the role
// requires, and those of its commands that may have no value.
func (r *resolver) mustBeSet(s spec.Start) []string {
	var out []string
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	for _, v := range r.env.variables {
		if v.Required {
			add(v.Name)
		}
	}
	for _, name := range r.known(s.Variables, r.env.names(), "environment") {
		add(name)
	}
	for _, command := range append(slices.Clone(s.Init), s.Command) {
		for _, w := range command {
			for _, name := range startVariables(w.Value) {
				if !r.env.certain[name] {
					add(name)
				}
			}
		}
	}
	return out
}
