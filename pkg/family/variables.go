package family

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// variables returns the values of the spec's variables. A default may name other variables.
func variables(s *spec.Spec, set map[string]string, report *spec.Report) map[string]string {
	declared := map[string]spec.Named[spec.Variable]{}
	for _, v := range s.Variables {
		checkVariableName(report, v.Name)
		declared[v.Name.Value] = v
	}
	top := spec.Range{Start: spec.Position{Line: 1, Column: 1}}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if _, ok := declared[name]; !ok {
			report.Add(top, spec.DidYouMean(name, slices.Collect(maps.Keys(declared))), "--set %s: the spec declares no variable of that name", name)
		}
	}
	values := maps.Clone(set)
	if values == nil {
		values = map[string]string{}
	}
	edges := func(name string) []string {
		if _, ok := set[name]; ok || declared[name].Value.Default == nil {
			return nil
		}
		return references(declared[name].Value.Default.Value, true)
	}
	for _, v := range s.Variables {
		if cycle := findCycle(v.Name.Value, edges); cycle != nil {
			report.Add(v.Name.At, "", "the variables refer to each other in a circle: %s", strings.Join(cycle, " -> "))
			values[v.Name.Value] = ""
		}
	}
	for _, name := range sorted(slices.Collect(maps.Keys(declared)), edges) {
		if _, ok := values[name]; ok {
			continue
		}
		v := declared[name]
		if v.Value.Default == nil {
			report.Add(v.Name.At, fmt.Sprintf("give it one with --set %s=VALUE", name), "the variable %s has no default and no value", name)
			values[name] = ""
			continue
		}
		values[name] = substituter{report: report, values: values}.text(*v.Value.Default, atBuild)
	}
	return values
}

func checkVariableName(report *spec.Report, name spec.Text) {
	if !nameRE.MatchString(name.Value) {
		report.Add(name.At, "use letters, digits and _, and begin with no digit", "%q is no name for a variable", name.Value)
	}
}

// environment returns what containers read from their environment.
func environment(s *spec.Spec, sub substituter) []Variable {
	defaults := map[string]spec.Text{}
	var out []Variable
	for _, v := range s.Environment {
		checkVariableName(sub.report, v.Name)
		variable := Variable{Name: v.Name.Value, Secret: v.Value.Secret, Required: v.Value.Required}
		if v.Value.Default != nil {
			text := sub.text(*v.Value.Default, atStart)
			variable.Default = &text
			defaults[v.Name.Value] = *v.Value.Default
		}
		out = append(out, variable)
	}
	edges := func(name string) []string { return references(defaults[name].Value, false) }
	for _, v := range s.Environment {
		if cycle := findCycle(v.Name.Value, edges); cycle != nil {
			sub.report.Add(v.Name.At, "", "the defaults of the environment refer to each other in a circle: %s", strings.Join(cycle, " -> "))
		}
	}
	return out
}

// findCycle returns the way from a name back to itself, or nil.
func findCycle(from string, edges func(string) []string) []string {
	seen := map[string]bool{}
	var walk func(path []string) []string
	walk = func(path []string) []string {
		for _, next := range edges(path[len(path)-1]) {
			if next == from {
				return append(path, next)
			}
			if seen[next] {
				continue
			}
			seen[next] = true
			if cycle := walk(append(slices.Clip(path), next)); cycle != nil {
				return cycle
			}
		}
		return nil
	}
	return walk([]string{from})
}

// sorted returns names so that what a name refers to comes before it, and otherwise by name. It ends for circles too.
func sorted(names []string, edges func(string) []string) []string {
	slices.Sort(names)
	return ordered(names, edges)
}

// ordered returns names so that what a name refers to comes before it, and otherwise as they are.
func ordered(names []string, edges func(string) []string) []string {
	known := map[string]bool{}
	for _, name := range names {
		known[name] = true
	}
	done := map[string]bool{}
	var out []string
	var visit func(string)
	visit = func(name string) {
		if done[name] || !known[name] {
			return
		}
		done[name] = true
		for _, before := range edges(name) {
			visit(before)
		}
		out = append(out, name)
	}
	for _, name := range names {
		visit(name)
	}
	return out
}
