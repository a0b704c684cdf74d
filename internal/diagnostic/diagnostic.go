package diagnostic

import (
	"errors"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// A Kind says what sort of thing went wrong.
type Kind string

const (
	// Mistake is for what is wrong with a spec.
	Mistake Kind = "spec"
	// Failure is for a build that failed at a place in a spec.
	Failure Kind = "build"
	// Other is for all else. It has no place in a spec.
	Other Kind = "other"
)

// A Diagnostic is one thing that went wrong.
type Diagnostic struct {
	Kind Kind
	// File is the name of the spec as the user gave it, or empty.
	File string
	// At is the place in it; it is zero when there is none.
	At spec.Range
	// Message says what is wrong.
	Message string
	// Hint says what to do about it, or is empty.
	Hint string
	// Err has the facts of some mistakes, and is nil for all else.
	Err error
	// Output holds the last lines that a failed command printed.
	Output []string
	// OutputShown says that the user has these lines right above, so that a text leaves them out.
	OutputShown bool
	// Deeper is a command that lets the user look at the failure from the inside, or is empty.
	Deeper string
}

// Mistakes returns the mistakes in specs that an error is about, in their order; none, if it is about something else.
func Mistakes(err error) []Diagnostic {
	var all spec.Errors
	if !errors.As(err, &all) {
		return nil
	}
	list := make([]Diagnostic, len(all))
	for i, e := range all {
		list[i] = Diagnostic{Kind: Mistake, File: e.File, At: e.At, Message: e.Message, Hint: e.Hint, Err: e.Err}
	}
	return list
}

// hasPlace reports whether a diagnostic points into a file.
func (d Diagnostic) hasPlace() bool { return d.File != "" && d.At.Start.Line > 0 }
