package spec

import (
	"fmt"
	"unicode/utf8"
)

// A Position is a place in a spec. Line and column count from 1, the column in characters.
type Position struct {
	Line, Column int
	// File is the name of the file that the place is in, when it is one that the spec extends, and empty for the spec itself.
	File string
}

func (p Position) String() string { return fmt.Sprintf("%d:%d", p.Line, p.Column) }

// Before reports whether a position comes before another in the same file.
func (p Position) Before(q Position) bool {
	return p.Line < q.Line || p.Line == q.Line && p.Column < q.Column
}

// A Range is a stretch of a spec: from the first character of what it covers to its last line.
type Range struct{ Start, End Position }

// A Text is a string of a spec and where it is written.
type Text struct {
	Value string
	At    Range
	// inline says that the string is written in one piece, so that a place in it is a place in its line.
	inline bool
	quote  int // 1 when a quotation mark comes before the string
}

// IsSet reports whether the string is written at all.
func (t Text) IsSet() bool { return t.At.Start.Line > 0 }

// Position returns the place of a byte of the string, as far as it can be told: of a string of several lines, it is the start.
func (t Text) Position(offset int) Position {
	if !t.inline || offset > len(t.Value) {
		return t.At.Start
	}
	at := t.At.Start
	at.Column += t.quote + utf8.RuneCountInString(t.Value[:offset])
	return at
}

// A Named is a value and the key that it stands under.
type Named[T any] struct {
	Name  Text
	Value T
}
