package spec

import (
	"bytes"
	"regexp"
	"sort"
	"strings"
	"sync"
)

// How the YAML parser words its errors. Its line is left out: for an error within a mapping or a list, it is the line where that begins.
var (
	yamlError     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^yaml: (?:line \d+: )?(.*)$`) })
	unknownAnchor = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`unknown anchor '([^']*)' referenced`) })
)

// addSyntaxError adds what the parser says of a file that is no YAML.
func addSyntaxError(report *Report, err error, data []byte) {
	at, message := syntaxErrorPosition(err, data), err.Error()
	if m := unknownAnchor().FindStringSubmatch(message); m != nil {
		at = positionOf(data, max(bytes.Index(data, []byte("*"+m[1])), 0))
	}
	if m := yamlError().FindStringSubmatch(message); m != nil {
		message = m[1]
	}
	report.AddAt(at, syntaxHint(message), "this is no YAML: %s", message)
}

// syntaxErrorPosition returns where the line begins that causes the parser's error. The parser reads a file from its beginning, so it is
// the last line of the shortest part of the file that gives the same error.
func syntaxErrorPosition(err error, data []byte) Position {
	lines := bytes.SplitAfter(data, []byte("\n"))
	line := sort.Search(len(lines)-1, func(i int) bool {
		_, partial := decode(bytes.Join(lines[:i+1], nil))
		return partial != nil && partial.Error() == err.Error()
	})
	indent := len(lines[line]) - len(bytes.TrimLeft(lines[line], " \t"))
	return Position{Line: line + 1, Column: indent + 1}
}

// syntaxHint says what usually causes an error of the parser.
func syntaxHint(message string) string {
	for _, cause := range []struct{ words, hint string }{
		{"tab character", "indent with spaces"},
		{"expected key", "is the line indented as those that belong with it, and is every quotation mark closed?"},
		{"expected '-' indicator", "is the line indented as those that belong with it?"},
		{"expected ',' or", "is there a closing bracket? A string with brackets or ${{ }} in it needs quotes here"},
		{"unexpected end of stream", "is there a closing quotation mark?"},
		{"mapping values are not allowed", "a string with a colon in it needs quotes"},
		{"expected alphabetic or numeric character", `a string that begins with "*" or "&" needs quotes`},
		{"cannot start any token", "a string that begins with this character needs quotes"},
	} {
		if strings.Contains(message, cause.words) {
			return cause.hint
		}
	}
	return ""
}
