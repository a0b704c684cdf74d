package spec

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// An Error is one mistake in a spec.
type Error struct {
	// File is the name of the spec as the user gave it.
	File string
	// At is where the mistake is.
	At Range
	// Message says what is wrong.
	Message string
	// Hint says what to do about it, or is empty.
	Hint string
	// Err has the facts of some errors, for callers that say more about them; it is nil for the others.
	Err error
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s:%s: %s", e.File, e.At.Start, e.Message)
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// maxShown bounds how many errors the text of Errors lists. A file with more of them usually has one mistake many times.
const maxShown = 20

// Errors are all mistakes in a spec, in the order of the file.
type Errors []*Error

func (e Errors) Error() string {
	lines := make([]string, 0, maxShown+1)
	for i, one := range e {
		if i == maxShown {
			lines = append(lines, fmt.Sprintf("and %d more", len(e)-maxShown))
			break
		}
		lines = append(lines, one.Error())
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives each error to errors.As.
func (e Errors) Unwrap() []error {
	out := make([]error, len(e))
	for i, one := range e {
		out[i] = one
	}
	return out
}

// maxKept bounds how many errors are kept, so that a large file of nothing but mistakes takes neither memory nor time.
const maxKept = 200

// Join combines the errors from reading a file with those from a later stage, which worked on the part that could be read. An error of the
// later stage that has no place, or is on a line with an earlier error, is only a consequence and is left out.
func Join(first, more error) error {
	var a, b Errors
	if !errors.As(first, &a) || !errors.As(more, &b) {
		return first
	}
	type line struct {
		file   string
		number int
	}
	lines := map[line]bool{}
	for _, e := range a {
		lines[line{e.File, e.At.Start.Line}] = true
	}
	report := &Report{errors: slices.Clone(a)}
	if len(a) > 0 {
		report.file = a[0].File
	}
	for _, e := range b {
		if e.At.Start.Line > 0 && !lines[line{e.File, e.At.Start.Line}] {
			report.errors = append(report.errors, e)
		}
	}
	return report.Err()
}

// A Report collects the errors in one spec.
type Report struct {
	file   string
	errors Errors
}

// NewReport returns an empty report about a file.
func NewReport(file string) *Report { return &Report{file: file} }

// Add adds an error.
func (r *Report) Add(at Range, hint, format string, args ...any) {
	r.add(&Error{At: at, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// AddError adds an error that has facts.
func (r *Report) AddError(at Range, hint string, err error) {
	r.add(&Error{At: at, Message: err.Error(), Hint: hint, Err: err})
}

// AddIn adds an error about another file that belongs to the one of the report.
func (r *Report) AddIn(file string, at Range, hint, format string, args ...any) {
	r.add(&Error{File: file, At: at, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (r *Report) add(e *Error) {
	if r.Full() {
		return
	}
	e.File = cmp.Or(e.File, e.At.Start.File, r.file)
	r.errors = append(r.errors, e)
}

// Len returns how many errors there are so far.
func (r *Report) Len() int { return len(r.errors) }

// Truncate leaves out all errors but the first n.
func (r *Report) Truncate(n int) { r.errors = r.errors[:min(n, len(r.errors))] }

// Full reports whether the report keeps no more errors, so that there is no point in looking for more.
func (r *Report) Full() bool { return len(r.errors) >= maxKept }

// AddAt adds an error about a single place.
func (r *Report) AddAt(at Position, hint, format string, args ...any) {
	r.Add(Range{Start: at, End: at}, hint, format, args...)
}

// Err returns the errors, each once, in the order of the file, and those in other files after them; nil when there are none.
func (r *Report) Err() error {
	if len(r.errors) == 0 {
		return nil
	}
	sorted := slices.Clone(r.errors)
	other := func(e *Error) string {
		if e.File == r.file {
			return ""
		}
		return e.File
	}
	slices.SortStableFunc(sorted, func(a, b *Error) int {
		return cmp.Or(strings.Compare(other(a), other(b)), cmp.Compare(a.At.Start.Line, b.At.Start.Line), cmp.Compare(a.At.Start.Column, b.At.Start.Column))
	})
	return slices.CompactFunc(sorted, func(a, b *Error) bool {
		return a.File == b.File && a.At == b.At && a.Message == b.Message && a.Hint == b.Hint
	})
}
