package family

import (
	"fmt"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// variables finds the values of the spec's variables: those that are given, and the defaults. A default may name other variables. That a
// variable has no value is no error until something needs it. Git is not asked before that, either.
func (s *substituter) variables(all []spec.Named[spec.Variable], given map[string]Variable, git func(fact string) (string, error)) {
	declared := map[string]spec.Named[spec.Variable]{}
	var names []string
	for _, v := range all {
		checkSpecVariable(s.report, v.Name)
		declared[v.Name.Value] = v
		names = append(names, v.Name.Value)
	}
	s.values, s.origins = map[string]*string{}, newOrigins(given)
	for name, v := range given {
		s.values[name] = &v.Value
	}
	order, cycles := ordered(names, func(name string) []string {
		if _, ok := s.values[name]; ok || declared[name].Value.Default == nil {
			return nil
		}
		return specVariables(declared[name].Value.Default.Value)
	})
	for _, cycle := range cycles {
		s.report.Add(declared[cycle[0]].Name.At, "", "the defaults of these variables need each other: %s", strings.Join(cycle, " -> "))
		for _, name := range cycle {
			s.values[name] = nil
		}
	}
	s.deferred = newDeferral(git, declared, s.values)
	for _, name := range order {
		if _, ok := s.values[name]; ok || s.deferred.add(name, declared[name].Value.Default) {
			continue
		}
		s.values[name] = nil
		if text := declared[name].Value.Default; text != nil {
			if value, ok := s.expand(*text, atBuild); ok {
				s.values[name] = &value
				s.origins.inherit(name, *text)
			}
		}
	}
	s.missing = &missing{report: s.report, declared: declared, values: s.values, seen: map[string]bool{}}
}

// missing are the variables that nobody gave a value.
type missing struct {
	report   *spec.Report
	declared map[string]spec.Named[spec.Variable]
	values   map[string]*string
	unknown  []string        // see NoValueError
	seen     map[string]bool // by the names of variables that were needed
	// optional says that what is being resolved needs no values, and met that it has a variable without one.
	optional, met bool
}

// use reports that a variable, or those that its default needs, have no value. It reports each once.
func (m *missing) use(name string) {
	if m.met = true; m.optional {
		return
	}
	for left := []string{name}; len(left) > 0; left = left[1:] {
		v, ok := m.declared[left[0]]
		if name := v.Name.Value; !ok || m.values[name] != nil || m.seen[name] || isOfGit(name) {
			continue
		}
		m.seen[v.Name.Value] = true
		if v.Value.Default == nil {
			m.report.AddError(v.Name.At, "", &NoValueError{Variable: v.Name.Value, Unknown: m.unknown})
			continue
		}
		left = append(left, specVariables(v.Value.Default.Value)...)
	}
}

// checkSpecVariable checks the name of a variable of the spec. It may be one that describes the git repository, to which it gives a default.
func checkSpecVariable(report *spec.Report, name spec.Text) {
	near, ok := spec.Nearest(name.Value, schema.GitVariables())
	switch {
	case isOfGit(name.Value):
	case ok && strings.Contains(name.Value, "."):
		report.Add(name.At, fmt.Sprintf("did you mean %q?", near), "%q is no name for a variable", name.Value)
	default:
		checkVariableName(report, name)
	}
}

func checkVariableName(report *spec.Report, name spec.Text) {
	if !variableName.MatchString(name.Value) {
		report.Add(name.At, "use letters, digits and _, and begin with no digit", "%q is no name for a variable", name.Value)
	}
}
