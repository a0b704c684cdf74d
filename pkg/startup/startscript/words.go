package startscript

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// needsQuotes are the characters that a word without quotation marks cannot have: they mean something to a shell, and somebody who edits
// a script may expect that of them here.
const needsQuotes = "\"'\\`"

func words(list []string) string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = quote(w)
	}
	return strings.Join(out, " ")
}

// quote writes a word. One that needs no quotation marks has none.
func quote(word string) string {
	plain := func(c rune) bool {
		return unicode.IsPrint(c) && !unicode.IsSpace(c) && !strings.ContainsRune(needsQuotes, c)
	}
	special := strings.ContainsFunc(word, func(c rune) bool { return !plain(c) })
	if word != "" && word[0] != '#' && !special && utf8.ValidString(word) {
		return word
	}
	var b strings.Builder
	b.WriteByte('"')
	for len(word) > 0 {
		c, size := utf8.DecodeRuneInString(word)
		switch {
		case c == '"', c == '\\':
			b.WriteString(`\` + string(c))
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c == utf8.RuneError && size == 1, !unicode.IsPrint(c):
			for _, octet := range []byte(word[:size]) {
				fmt.Fprintf(&b, `\x%02x`, octet)
			}
		default:
			b.WriteRune(c)
		}
		word = word[size:]
	}
	b.WriteByte('"')
	return b.String()
}

// split takes a line apart into its words. The problem is empty when there is none.
func split(line string) (list []string, problem string) {
	for {
		line = strings.TrimLeft(line, " \t")
		if line == "" || line[0] == '#' {
			return list, ""
		}
		word, rest, problem := firstWord(line)
		if problem != "" {
			return nil, problem
		}
		list, line = append(list, word), rest
	}
}

func firstWord(line string) (word, rest, problem string) {
	if line[0] != '"' {
		end := strings.IndexAny(line, " \t")
		if end < 0 {
			end = len(line)
		}
		word, rest = line[:end], line[end:]
		if at := strings.IndexFunc(word, func(c rune) bool { return strings.ContainsRune(needsQuotes, c) || unicode.IsControl(c) }); at >= 0 {
			c, _ := utf8.DecodeRuneInString(word[at:])
			return "", "", fmt.Sprintf(`the word %s has %q in it: write it as "...", with \" and \\ for these characters`, word, c)
		}
		return word, rest, ""
	}
	var b strings.Builder
	for rest = line[1:]; ; {
		switch {
		case rest == "":
			return "", "", `nothing closes this "`
		case rest[0] == '"':
			if after := rest[1:]; after != "" && after[0] != ' ' && after[0] != '\t' {
				return "", "", `a closing " ends a word: put a blank behind it, or all of the word between the quotation marks`
			}
			return b.String(), rest[1:], ""
		}
		octet, size := rest[0], 1
		if octet == '\\' {
			octet, size = unescape(rest)
		}
		if size == 0 {
			return "", "", `a \ is followed by ", \, n, r, t or by x and two hexadecimal digits`
		}
		if octet == 0 {
			return "", "", "no process can be given a word with a NUL in it"
		}
		b.WriteByte(octet)
		rest = rest[size:]
	}
}

// unescape returns the octet that an escape at the beginning of a text stands for, and the length of the escape; 0 if it is none.
func unescape(text string) (octet byte, size int) {
	if len(text) < 2 {
		return 0, 0
	}
	switch text[1] {
	case '"', '\\':
		return text[1], 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'x':
		if len(text) >= 4 {
			if value, err := strconv.ParseUint(text[2:4], 16, 8); err == nil {
				return byte(value), 4
			}
		}
	}
	return 0, 0
}
