package diagnostic

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// A cell is a character as a terminal shows it.
type cell struct {
	text  string
	width int // in columns of the terminal
}

// tabWidth is how wide a tab is shown. Real tab stops would depend on what is before the line.
const tabWidth = 4

// cells returns how the characters of a line are shown. Each has one cell.
func cells(line []rune) []cell {
	out := make([]cell, len(line))
	for i, c := range line {
		out[i] = show(c)
	}
	return out
}

func show(c rune) cell {
	switch {
	case c == '\t':
		return cell{strings.Repeat(" ", tabWidth), tabWidth}
	case isHidden(c):
		return cell{"�", 1}
	case unicode.In(c, unicode.Mn, unicode.Me, unicode.Cf):
		return cell{string(c), 0}
	}
	switch width.LookupRune(c).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return cell{string(c), 2}
	}
	return cell{string(c), 1}
}

// isHidden reports whether a character does something to a terminal, or to the order in which it shows others, instead of being shown.
// https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters
func isHidden(c rune) bool {
	return unicode.IsControl(c) || unicode.In(c, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
}

// columns returns how many columns of a terminal cells take.
func columns(list []cell) int {
	sum := 0
	for _, c := range list {
		sum += c.width
	}
	return sum
}

// textOf returns cells as text.
func textOf(list []cell) string {
	var b strings.Builder
	for _, c := range list {
		b.WriteString(c.text)
	}
	return b.String()
}

// Visible returns text from elsewhere, such as a registry or an engine, on one line and harmless to a terminal: without colours, cursor
// movements, changes of the writing direction, or a second line that looks like one of this program.
func Visible(s string) string { return plain(s) }

// VisibleLines does the same for text that may have several lines.
func VisibleLines(s string) string { return plainLines(s) }

// VisibleJSON returns JSON that says the same and does nothing to a terminal: encoding/json escapes only the control characters below 0x20.
func VisibleJSON(s string) string {
	var b strings.Builder
	for _, c := range s {
		if c >= 0x7f && isHidden(c) {
			fmt.Fprintf(&b, `\u%04x`, c)
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// plain returns text on one line that does nothing to a terminal.
func plain(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\n' || c == '\t':
			return ' '
		case isHidden(c):
			return unicode.ReplacementChar
		}
		return c
	}, s)
}

// plainLines returns text on as many lines as it has that does nothing to a terminal.
func plainLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = plain(line)
	}
	return strings.Join(lines, "\n")
}

// ellipsis stands for what is left out of a line.
const ellipsis = "…"

// window cuts a line to what fits into a number of columns around the place from one character up to another, and returns the place in
// what is left. Of a place that does not fit, the beginning is shown, with something of what is before it.
func window(line []cell, from, to, limit int) (shown []cell, at, end int) {
	if columns(line) <= limit {
		return line, from, to
	}
	first, last := from, from // what is shown, from first up to last
	room := limit - 2         // an ellipsis on each side
	for last < min(to, len(line)) && line[last].width <= room-limit/2 {
		room -= line[last].width
		last++
	}
	// What is before the place says more than what follows it, so it gets two thirds.
	for before := room * 2 / 3; first > 0 && line[first-1].width <= before; first-- {
		before -= line[first-1].width
		room -= line[first-1].width
	}
	for last < len(line) && line[last].width <= room {
		room -= line[last].width
		last++
	}
	for first > 0 && line[first-1].width <= room {
		room -= line[first-1].width
		first--
	}
	mark := cell{ellipsis, 1}
	at, end = from-first, min(to, last)-first
	if first > 0 {
		shown = append(shown, mark)
		at, end = at+1, end+1
	}
	shown = append(shown, line[first:last]...)
	if last < len(line) {
		shown = append(shown, mark)
	}
	return shown, at, end
}
