package family

import (
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/startup/contract"
)

// An environment is what containers read from their environment.
type environment struct {
	// variables are as the spec declares them.
	variables []contract.Variable
	// byNeed are the same, with what a default needs before it.
	byNeed []contract.Variable
	// certain holds the variables that have a value in every container: those with a default that needs only certain variables, or none; and
	// HOME, which container runtimes set themselves.
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
			r.checkSecretDefault(d, text)
		}
		byName[v.Name] = v
		names = append(names, v.Name)
	}
	order, cycles := ordered(names, func(name string) []string { return needs(byName[name]) })
	for _, cycle := range cycles {
		at := slices.IndexFunc(declared, func(d spec.Named[spec.EnvVariable]) bool { return d.Name.Value == cycle[0] })
		r.report.Add(declared[at].Name.At, "", "the defaults of these variables need each other: %s", strings.Join(cycle, " -> "))
	}
	for _, name := range order {
		v := byName[name]
		v.Secret = v.Secret || slices.ContainsFunc(needs(v), func(need string) bool { return env.secret[need] })
		uncertain := func(need string) bool { return !env.certain[need] }
		env.certain[name] = name == "HOME" || v.Default != nil && !slices.ContainsFunc(needs(v), uncertain)
		env.secret[name] = v.Secret
		env.byNeed = append(env.byNeed, v)
		byName[name] = v
	}
	for _, name := range names {
		env.variables = append(env.variables, byName[name])
	}
	return env
}

// IsSecret reports whether a variable of the environment is declared as a secret, or has a default that is made of one.
func (f *Family) IsSecret(variable string) bool {
	return slices.ContainsFunc(f.Contract.Environment, func(v contract.Variable) bool { return v.Name == variable && v.Secret })
}

// OfSession reports whether a variable describes a user's session, such as HOME. A container does not get the value of the session that
// starts it, unless it is asked for: that value is about another user on another system.
func OfSession(name string) bool {
	switch name {
	case "HOME", "LOGNAME", "PATH", "PWD", "SHELL", "USER":
		return true
	}
	return false
}

// checkSecretDefault reports a secret variable whose default is the secret itself: defaults are in the image, where everybody can read them.
// A default that names other variables is fine, because the secret is in those.
func (r *resolver) checkSecretDefault(v spec.Named[spec.EnvVariable], text string) {
	if v.Value.Secret && text != "" && len(startVariables(text)) == 0 {
		r.report.Add(v.Name.At, "leave the default out and give containers the value; one that everybody may know is the default of a variable that is not secret",
			"%s is secret, and its default is not: it would be in the image", v.Name.Value)
	}
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

// checkSecretEnv reports values of the image's configuration for secret variables of the environment.
func (r *resolver) checkSecretEnv(declared []spec.Named[spec.Text]) {
	for _, v := range declared {
		if r.env.secret[v.Name.Value] && v.Value.Value != "" {
			r.report.Add(v.Name.At, "leave it out here, and give the value to containers", "%s is secret, and everybody who has the image would see its value", v.Name.Value)
		}
	}
}

// required returns the variables that no container of the family starts without.
func (e environment) required() []string {
	var names []string
	for _, v := range e.variables {
		if v.Required {
			names = append(names, v.Name)
		}
	}
	return names
}
