package family

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/internal/gitinfo"
	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// gitPrefix is how the names of the variables begin that describe the git repository of a spec. Every spec has those of
// [schema.GitVariables], and none has another variable with such a name.
const gitPrefix = "git."

func isOfGit(name string) bool { return slices.Contains(schema.GitVariables(), name) }

// A GitError reports that a variable that describes the git repository has no value, neither from git nor from anybody else. It is in a
// [spec.Error], at the place that needs the variable first.
type GitError struct {
	Variable string
	// Err says why git does not say it.
	Err error
}

func (e *GitError) Error() string {
	return fmt.Sprintf("the variable %s has no value: %v", e.Variable, e.Err)
}

// Unwrap returns why git does not say it.
func (e *GitError) Unwrap() error { return e.Err }

// gitOf returns the facts of the repository that a directory is in.
func gitOf(dir string) func(fact string) (string, error) {
	repository := gitinfo.In(dir)
	return func(fact string) (string, error) { return repository.Fact(context.Background(), gitinfo.Fact(fact)) }
}

// A deferral holds the variables that get their values only when something needs them, because git has to be asked: those that describe the
// repository, and those whose defaults need such a variable.
type deferral struct {
	git      func(fact string) (string, error)
	declared map[string]spec.Named[spec.Variable]
	defaults map[string]*spec.Text // of each of the variables; nil for none
	reported map[string]bool       // by variable: there is an error about it
	quiet    bool                  // nothing is reported, and what fails is tried again
}

// newDeferral defers the variables of the repository that nobody gave a value.
func newDeferral(git func(string) (string, error), declared map[string]spec.Named[spec.Variable], values map[string]*string) *deferral {
	d := &deferral{git: git, declared: declared, defaults: map[string]*spec.Text{}, reported: map[string]bool{}}
	for _, name := range schema.GitVariables() {
		if _, ok := values[name]; !ok {
			d.defaults[name] = declared[name].Value.Default
		}
	}
	return d
}

// add defers a variable if its default needs a deferred one, and reports whether it is deferred.
func (d *deferral) add(name string, text *spec.Text) bool {
	if _, ok := d.defaults[name]; ok {
		return true
	}
	needs := text != nil && slices.ContainsFunc(specVariables(text.Value), func(need string) bool {
		_, ok := d.defaults[need]
		return ok
	})
	if needs {
		d.defaults[name] = text
	}
	return needs
}

// lookUp returns the value of the variable that a piece of a string names, or nil if it has none, and reports whether there is such a variable.
func (s substituter) lookUp(t spec.Text, p piece) (value *string, ok bool) {
	if value, ok = s.values[p.name]; ok || s.deferred == nil {
		return value, ok
	}
	text, ok := s.deferred.defaults[p.name]
	if !ok || s.missing.optional && !s.deferred.quiet {
		return nil, ok // who needs no values does not have git asked
	}
	return s.settle(t, p, text), true
}

// settle gives a deferred variable its value, and returns it; nil, if it has none.
func (s substituter) settle(t spec.Text, p piece, text *spec.Text) *string {
	if isOfGit(p.name) {
		value, err := s.deferred.git(strings.TrimPrefix(p.name, gitPrefix))
		if err == nil {
			s.values[p.name] = &value
			s.origins.add(Variable{Name: p.name, Value: value, Source: FromGit, At: s.deferred.declared[p.name].Name.At})
			return &value
		}
		if text == nil || !errors.Is(err, fs.ErrNotExist) {
			s.reportGit(t, p, err)
			return nil
		}
	}
	value, ok := s.expand(*text, atBuild)
	if !ok {
		return nil
	}
	s.values[p.name] = &value
	s.origins.inherit(p.name, *text)
	return &value
}

// reportGit reports that a variable of the repository has no value, once.
func (s substituter) reportGit(t spec.Text, p piece, err error) {
	if s.deferred.quiet || s.deferred.reported[p.name] {
		return
	}
	s.deferred.reported[p.name] = true
	at := t.At
	at.Start = t.Position(p.offset)
	at.End = at.Start
	s.report.AddError(at, "", &GitError{Variable: p.name, Err: err})
}

// settleQuietly gives the deferred variables of a string their values as far as they have some. It reports nothing.
func (s substituter) settleQuietly(t spec.Text) {
	s.deferred.quiet = true
	reported, optional, met := s.report.Len(), s.missing.optional, s.missing.met
	s.missing.optional = true
	for p := range eachPiece(t.Value, verbatim) {
		if p.kind == ofSpec {
			s.lookUp(t, p)
		}
	}
	s.missing.optional, s.missing.met = optional, met
	if !s.budget.done() {
		s.report.Truncate(reported)
	}
	s.deferred.quiet = false
}
