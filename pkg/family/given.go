package family

import (
	"maps"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// EnvironPrefix is how the names of environment variables begin that give variables of a spec their values.
const EnvironPrefix = "PULPIMG_SET_"

// A Source says who gave a variable of the spec its value.
type Source int

// The sources of values, from the last to the first that counts.
const (
	// FromDefault is the default in the spec.
	FromDefault Source = iota
	// FromGit is the git repository that the spec is in: see [Options].Git.
	FromGit
	// FromFile is a file of values: see [Options].Values.
	FromFile
	// FromEnviron is the environment: see [Options].Environ.
	FromEnviron
	// FromMatrix is the matrix of an image.
	FromMatrix
	// FromCaller is the caller of [Resolve]: see [Options].Variables.
	FromCaller
)

// A Variable is a variable of the spec and its value.
type Variable struct {
	Name, Value string
	// Source says who gave the value.
	Source Source
	// Secret says that the value is a part of the credentials of a URL.
	Secret bool
	// At is where the value is written: in the spec for a default, and in File for what comes from a file of values. For other values, it
	// is where the spec declares the variable, or the zero Range if it is one of the git repository that the spec does not declare.
	At spec.Range
	// File is the name of the file of values that the value is from, or empty.
	File string
}

// given returns the variables that have another value than their default, by name. It reports values for variables that the spec does not
// have; those of the environment, which may be for other specs, are returned as unknown.
func given(s *spec.Spec, o Options, report *spec.Report) (values map[string]Variable, unknown []string) {
	values = map[string]Variable{}
	declared := map[string]spec.Range{}
	names := schema.GitVariables()
	for _, name := range names {
		declared[name] = spec.Range{}
	}
	for _, v := range s.Variables {
		declared[v.Name.Value] = v.Name.At
		names = append(names, v.Name.Value)
	}
	for _, file := range o.Values {
		for _, v := range file.Variables {
			if _, ok := declared[v.Name.Value]; !ok {
				report.AddIn(file.Filename, v.Name.At, spec.DidYouMean(v.Name.Value, names), "%s declares no variable %q", s.Filename, v.Name.Value)
				continue
			}
			values[v.Name.Value] = Variable{Name: v.Name.Value, Value: v.Value.Value, Source: FromFile, At: v.Value.At, File: file.Filename}
		}
	}
	for _, assignment := range o.Environ {
		name, value, _ := strings.Cut(assignment, "=")
		name, ok := strings.CutPrefix(name, EnvironPrefix)
		if !ok || value == "" {
			continue
		}
		at, ok := declared[name]
		if !ok {
			unknown = append(unknown, EnvironPrefix+name)
			continue
		}
		values[name] = Variable{Name: name, Value: value, Source: FromEnviron, At: at}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Variables)) {
		at, ok := declared[name]
		if !ok {
			start := spec.Position{Line: 1, Column: 1}
			report.AddError(spec.Range{Start: start, End: start}, spec.DidYouMean(name, names),
				&OverrideError{Key: "variables", Variable: name, Problem: "the spec declares no variable of that name"})
			continue
		}
		values[name] = Variable{Name: name, Value: o.Variables[name], Source: FromCaller, At: at}
	}
	slices.Sort(unknown)
	return values, slices.Compact(unknown)
}
