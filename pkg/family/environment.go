package family

import (
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/contract"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// An environment is what containers read from their environment.
type environment struct {
	// variables are as the spec declares them.
	variables []contract.Variable
	// certain holds those that have a value in every container: they have a default that needs nothing else, or nothing uncertain.
	certain map[string]bool
	secret  map[string]bool
}

func (r *resolver) environment(declared []spec.Named[spec.EnvVariable]) environment {
	env := environment{certain: map[string]bool{}, secret: map[string]bool{}}
	byName := map[string]contract.Variable{}
	var names []string
	for _, d := range declared {
		checkVariableName(r.report, d.Name)
		v := contract.Variable{Name: d.Name.Value, Required: d.Value.Required, Secret: d.Value.Secret}
		if d.Value.Default != nil {
			text := r.substitute.text(*d.Value.Default, atStart)
			v.Default = &text
		}
		byName[v.Name] = v
		names = append(names, v.Name)
	}
	order, circles := ordered(names, func(name string) []string { return needs(byName[name]) })
	for _, circle := range circles {
		at := slices.IndexFunc(declared, func(d spec.Named[spec.EnvVariable]) bool { return d.Name.Value == circle[0] })
		r.report.Add(declared[at].Name.At, "", "the defaults of these variables need each other: %s", strings.Join(circle, " -> "))
	}
	for _, name := range order {
		v := byName[name]
		v.Secret = v.Secret || slices.ContainsFunc(needs(v), func(need string) bool { return env.secret[need] })
		uncertain := func(need string) bool { return !env.certain[need] }
		env.certain[name] = v.Default != nil && !slices.ContainsFunc(needs(v), uncertain)
		env.secret[name] = v.Secret
		byName[name] = v
	}
	for _, name := range names {
		env.variables = append(env.variables, byName[name])
	}
	return env
}

// needs returns the variables that a variable's default names.
func needs(v contract.Variable) []string {
	if v.Default == nil {
		return nil
	}
	return startVariables(*v.Default)
}

func (e environment) names() []string {
	var names []string
	for _, v := range e.variables {
		names = append(names, v.Name)
	}
	return names
}
