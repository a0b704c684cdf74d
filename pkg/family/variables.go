package family

import (
	"maps"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// variables returns the values of the spec's variables: those that were set, and the defaults. A default may name other variables.
func variables(s *spec.Spec, set map[string]string, budget *budget) map[string]*string {
	report := budget.report
	declared := map[string]spec.Named[spec.Variable]{}
	var names []string
	for _, v := range s.Variables {
		checkVariableName(report, v.Name)
		declared[v.Name.Value] = v
		names = append(names, v.Name.Value)
	}
	values := map[string]*string{}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if _, ok := declared[name]; !ok {
			start := spec.Position{Line: 1, Column: 1}
			report.AddError(spec.Range{Start: start, End: start}, spec.DidYouMean(name, names),
				&OverrideError{Key: "variables", Variable: name, Problem: "the spec declares no variable of that name"})
			continue
		}
		value := set[name]
		values[name] = &value
	}
	order, cycles := ordered(names, func(name string) []string {
		if _, ok := values[name]; ok || declared[name].Value.Default == nil {
			return nil
		}
		return specVariables(declared[name].Value.Default.Value)
	})
	for _, cycle := range cycles {
		report.Add(declared[cycle[0]].Name.At, "", "the defaults of these variables need each other: %s", strings.Join(cycle, " -> "))
		for _, name := range cycle {
			values[name] = nil
		}
	}
	sub := substituter{report: report, budget: budget, values: values}
	for _, name := range order {
		if _, ok := values[name]; ok {
			continue
		}
		v := declared[name]
		if v.Value.Default == nil {
			report.AddError(v.Name.At, "", &NoValueError{Variable: name})
			values[name] = nil
			continue
		}
		values[name] = nil
		if value, ok := sub.expand(*v.Value.Default, atBuild); ok {
			values[name] = &value
		}
	}
	return values
}

func checkVariableName(report *spec.Report, name spec.Text) {
	if !variableName.MatchString(name.Value) {
		report.Add(name.At, "use letters, digits and _, and begin with no digit", "%q is no name for a variable", name.Value)
	}
}
