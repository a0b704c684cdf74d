package family

import (
	"slices"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/startup/startscript"
)

// arguments returns the words of a command, which may name variables of the environment. A secret must not be among them.
func (r *resolver) arguments(words []spec.Text) []string {
	r.program(words, atStart)
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

// commandOf returns the words of a command of a start, which is not the start itself.
func (r *resolver) commandOf(words []spec.Text) []string {
	out := r.arguments(words)
	if len(out) > 0 && out[0] == startscript.Path {
		r.report.Add(words[0].At, "name the program that it shall become", "%s is the start script itself, which would start itself for ever", out[0])
	}
	return out
}

// requiredVariables returns the variables that a container of a role does not start without: those that are required, those that the role
// requires, and those of its commands, and of the commands among the services that it waits for, that may have no value.
func (r *resolver) requiredVariables(s spec.Start, wait []string) []string {
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
	for _, name := range r.requireDeclared(s.Variables, r.env.names(), "environment") {
		add(name)
	}
	commands := append(slices.Clone(s.Init), s.Command)
	for _, service := range r.spec.Services {
		if slices.Contains(wait, service.Name.Value) {
			commands = append(commands, service.Value.Command)
		}
	}
	for _, command := range commands {
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
