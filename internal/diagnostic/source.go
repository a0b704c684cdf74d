package diagnostic

import (
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// Sources are the texts of specs by their names. What is not there is shown without its lines.
type Sources map[string][]byte

// A text is the characters of the lines of a file, without the lines' ends.
type text [][]rune

// A reader splits each file once.
type reader struct {
	sources Sources
	read    map[string]text
}

func newReader(sources Sources) *reader { return &reader{sources: sources, read: map[string]text{}} }

func (r *reader) lines(file string) text {
	lines, ok := r.read[file]
	if data, has := r.sources[file]; has && data != nil && !ok {
		for line := range strings.SplitSeq(string(data), "\n") {
			lines = append(lines, []rune(strings.TrimSuffix(line, "\r")))
		}
		r.read[file] = lines
	}
	return lines
}

// line returns a line, the first of which is 1.
func (t text) line(number int) ([]rune, bool) {
	if number < 1 || number > len(t) {
		return nil, false
	}
	return t[number-1], true
}

// end returns the column after the last character of what begins at a place: the end of the range when that is in the same line, else the
// end of the value that is written there. It is the column itself when nothing is.
func (t text) end(at spec.Range) int {
	from := at.Start.Column
	line, ok := t.line(at.Start.Line)
	if !ok || from < 1 || from > len(line) {
		return from
	}
	if at.End.Line == at.Start.Line && at.End.Column > from {
		return min(at.End.Column, len(line)+1)
	}
	return from + length(line, from-1)
}
