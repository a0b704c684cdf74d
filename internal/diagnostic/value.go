package diagnostic

import (
	"slices"
	"strings"
	"unicode"
)

// length returns how many characters the value has that begins at an offset of a line, as far as a line can tell. It reads as much of YAML
// as that needs: a quoted string ends with its quotation mark, a list or mapping and a reference to a variable with their bracket, and any
// other string where YAML ends it.
// https://yaml.org/spec/1.2.2/#733-plain-style
func length(line []rune, from int) int {
	rest := line[from:]
	switch {
	case rest[0] == '"':
		return closed(rest, `"`, `\`)
	case rest[0] == '\'':
		return closed(rest, `'`, `''`)
	case begins(rest, "${{"):
		return closed(rest, "}}", "")
	case begins(rest, "${"):
		return closed(rest, "}", "")
	case rest[0] == '[' || rest[0] == '{':
		return balanced(rest)
	case strings.ContainsRune("]},", rest[0]) || unicode.IsSpace(rest[0]):
		return 1
	}
	flow := slices.ContainsFunc(line[:from], func(c rune) bool { return c == '[' || c == '{' })
	end := 1
	for end < len(rest) && !endsPlain(rest, end, flow) {
		end++
	}
	for end > 1 && unicode.IsSpace(rest[end-1]) {
		end--
	}
	return end
}

// closed returns the length of a value up to its closing mark, or 1 when the line has none. Escaped marks do not close it: an escape is
// either a character before the mark, or the mark twice.
func closed(rest []rune, by, escape string) int {
	for i := 1; i < len(rest); i++ {
		switch {
		case escape != "" && begins(rest[i:], escape):
			i++
		case begins(rest[i:], by):
			return i + len(by)
		}
	}
	return 1
}

// balanced returns the length up to the bracket that closes the first one, or 1 when it is not in this line. Brackets in quoted strings do
// not count.
func balanced(rest []rune) int {
	depth := 0
	for i := 0; i < len(rest); i++ {
		switch rest[i] {
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case '"', '\'':
			quoted := length(rest, i)
			if quoted == 1 {
				return 1 // it goes on in the next line, and so does what it is in
			}
			i += quoted - 1
		}
		if depth == 0 {
			return i + 1
		}
	}
	return 1
}

// endsPlain reports whether a string without quotation marks ends before the character.
func endsPlain(rest []rune, i int, flow bool) bool {
	last := i+1 == len(rest) || unicode.IsSpace(rest[i+1])
	switch rest[i] {
	case ':':
		return last
	case '#':
		return unicode.IsSpace(rest[i-1])
	case ',', ']', '}':
		return flow
	}
	return false
}

func begins(rest []rune, with string) bool {
	return strings.HasPrefix(string(rest[:min(len(rest), len(with))]), with)
}
