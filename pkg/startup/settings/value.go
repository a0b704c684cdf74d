//go:build linux

package settings

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// encode returns a value as the file has to hold it for ConfigParser to read that value.
// https://docs.python.org/2.7/library/configparser.html#ConfigParser.SafeConfigParser
func encode(value string) string { return strings.ReplaceAll(value, "%", "%%") }

// problem returns why the file cannot hold a value, or an empty string. Its reader takes the rest of a line, without the white space around
// it, as the value, and begins a comment at a semicolon after white space. A value must suit both Python 2 and Python 3.
func problem(value string) string {
	first, _ := utf8.DecodeRuneInString(value)
	last, _ := utf8.DecodeLastRuneInString(value)
	switch {
	case !utf8.ValidString(value):
		return "is not UTF-8"
	case strings.ContainsFunc(value, isLineBreak):
		return "has a line break"
	case strings.ContainsRune(value, '\t'):
		return "has a tab"
	case strings.ContainsFunc(value, unicode.IsControl):
		return "has a control character"
	case value != "" && unicode.IsSpace(first):
		return "begins with white space"
	case value != "" && unicode.IsSpace(last):
		return "ends with white space"
	case first == ';':
		return "begins with a semicolon"
	case hasComment(value):
		return "has a semicolon after white space"
	case value == `""`:
		return `is "", which Python 2 reads as nothing`
	}
	return ""
}

// isLineBreak reports whether Python ends a line at a character, in a file of bytes or of text.
// https://docs.python.org/3/library/stdtypes.html#str.splitlines
func isLineBreak(c rune) bool {
	return c == '\n' || c == '\r' || c == '\u0085' || c == '\u2028' || c == '\u2029'
}

func hasComment(value string) bool {
	var before rune
	for _, c := range value {
		if c == ';' && unicode.IsSpace(before) {
			return true
		}
		before = c
	}
	return false
}
