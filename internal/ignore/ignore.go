package ignore

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/moby/patternmatcher"
)

// Patterns say which paths are left out. The zero value leaves nothing out.
//
// Paths are relative to what the patterns are for, clean, and have slashes. Who walks a tree hands the decision about a directory to those
// about what is in it, which is fast. Who has single paths calls DecidePath. A path that is left out is left out with all below it, but for
// exceptions: what is below a directory has to be asked about, too, when MayExcept reports so.
type Patterns struct {
	matcher *patternmatcher.PatternMatcher // nil without patterns
	// exceptions are the beginnings of the patterns with a !, up to the first wildcard.
	exceptions []string
}

// A Decision is whether a path is left out, and what the patterns need to know of a directory to decide about its content.
type Decision struct {
	Ignored bool
	info    patternmatcher.MatchInfo
}

// A PatternError names a pattern that cannot be used.
type PatternError struct {
	Pattern string
	Err     error
}

func (e *PatternError) Error() string { return fmt.Sprintf("the pattern %q: %v", e.Pattern, e.Err) }

// Unwrap returns the error of the matcher.
func (e *PatternError) Unwrap() error { return e.Err }

// New returns patterns in the order in which they are written: the last one that matches decides.
func New(patterns []string) (Patterns, error) {
	if len(patterns) == 0 {
		return Patterns{}, nil
	}
	matcher, err := compile(patterns)
	if err != nil {
		for _, p := range patterns { // the matcher does not name the one that is wrong
			if _, err := compile([]string{p}); err != nil {
				return Patterns{}, &PatternError{Pattern: p, Err: err}
			}
		}
		return Patterns{}, err
	}
	out := Patterns{matcher: matcher}
	for _, p := range matcher.Patterns() {
		if p.Exclusion() {
			literal, _, wild := strings.Cut(strings.NewReplacer("?", "*", "[", "*", "^", "*", `\`, "*").Replace(p.String()), "*")
			if !wild {
				literal += "/"
			}
			out.exceptions = append(out.exceptions, literal)
		}
	}
	return out, nil
}

// compile returns the matcher of patterns. It compiles each of them when it matches for the first time, which is here.
func compile(patterns []string) (*patternmatcher.PatternMatcher, error) {
	matcher, err := patternmatcher.New(patterns)
	if err == nil {
		_, _, err = matcher.MatchesUsingParentResults("x", patternmatcher.MatchInfo{})
	}
	return matcher, err
}

// Decide returns the decision about a path, given the decision about the directory above it.
func (p Patterns) Decide(name string, above Decision) (Decision, error) {
	if p.matcher == nil {
		return Decision{}, nil
	}
	ignored, info, err := p.matcher.MatchesUsingParentResults(filepath.FromSlash(name), above.info)
	if err != nil {
		return Decision{}, fmt.Errorf("matching %s: %w", name, err)
	}
	return Decision{ignored, info}, nil
}

// IsZero reports whether there are no patterns.
func (p Patterns) IsZero() bool { return p.matcher == nil }

// DecidePath does the same for a path whose directories have not been decided yet.
func (p Patterns) DecidePath(name string) (d Decision, err error) {
	if name == "." || p.matcher == nil {
		return d, nil
	}
	for at, c := range name {
		if c == '/' {
			if d, err = p.Decide(name[:at], d); err != nil {
				return d, err
			}
		}
	}
	return p.Decide(name, d)
}

// MayExcept reports whether an exception may be for something in a directory that is left out.
func (p Patterns) MayExcept(dir string) bool {
	for _, literal := range p.exceptions {
		if strings.HasPrefix(literal, dir+"/") || strings.HasPrefix(dir+"/", literal) {
			return true
		}
	}
	return false
}
