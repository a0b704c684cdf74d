package recipe

import (
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/internal/diagnostic"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

const (
	// maxText bounds how many characters of a value are shown, and maxItems how many items of a list.
	maxText  = 60
	maxItems = 4
	// before is how many characters are shown before the first one that differs.
	before = 20
)

// visible returns a text on one line, and harmless to a terminal.
func visible(s string) string { return diagnostic.Visible(s) }

// short returns as much of a text as there is room for, visible.
func short(s string) string {
	runes := []rune(s)
	if len(runes) > maxText {
		return visible(string(runes[:maxText])) + "…"
	}
	return visible(s)
}

func inQuotes(s string) string { return "`" + s + "`" }

// quoted returns a short text, in quotes if it would not be seen as one otherwise.
func quoted(s string) string {
	if s == "" || strings.ContainsAny(s, " \t\n`") {
		return inQuotes(short(s))
	}
	return short(s)
}

// fromTo says that a text is another one. Of long texts it shows where they differ.
func fromTo(old, now string, always bool) string {
	quote := quoted
	if always {
		quote = func(s string) string { return inQuotes(short(s)) }
	}
	if short(old) == short(now) {
		old, now = window(old, now)
	}
	if quote(old) == quote(now) {
		return "another value"
	}
	return quote(old) + " to " + quote(now)
}

// window returns two texts from shortly before the first character that differs.
func window(a, b string) (string, string) {
	x, y := []rune(a), []rune(b)
	n := 0
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	if n -= before; n <= 0 {
		return a, b
	}
	return "…" + string(x[n:]), "…" + string(y[n:])
}

// lines says what differs between two scripts: the line, if it is one.
func lines(old, now []string) string {
	for len(old) > 0 && len(now) > 0 && old[0] == now[0] {
		old, now = old[1:], now[1:]
	}
	for len(old) > 0 && len(now) > 0 && old[len(old)-1] == now[len(now)-1] {
		old, now = old[:len(old)-1], now[:len(now)-1]
	}
	blank := func(lines []string) bool { return len(lines) == 1 && strings.TrimSpace(lines[0]) == "" }
	switch {
	case blank(old) || blank(now):
	case len(old) == 1 && len(now) == 1 && strings.TrimSpace(old[0]) != strings.TrimSpace(now[0]):
		return fromTo(strings.TrimSpace(old[0]), strings.TrimSpace(now[0]), true)
	case len(old) == 0 && len(now) == 1:
		return "+ " + inQuotes(short(strings.TrimSpace(now[0])))
	case len(old) == 1 && len(now) == 0:
		return "- " + inQuotes(short(strings.TrimSpace(old[0])))
	}
	return "the script changed"
}

// lists says what differs between two lists, and where the first difference is. It returns nothing if that does not count.
func lists(old, now *fact) (text string, at spec.Range) {
	come, first := without(now.Values, old.Values)
	gone, _ := without(old.Values, now.Values)
	name := visible(now.Name)
	switch {
	case len(come)+len(gone) > 0 && now.Form == ordering:
		return "", at
	case len(come) > 0 && len(gone) > 0:
		return name + ": " + items(come, "+ ") + ", " + items(gone, "- "), now.place(first)
	case len(come) > 0:
		return name + ": " + items(come, "+ "), now.place(first)
	case len(gone) > 0:
		return name + ": " + items(gone, "- "), now.at
	case now.Form == set:
		return "", at
	case old.Sum != now.Sum && slices.Equal(old.Values, now.Values):
		return name + ": another value", now.at
	}
	return name + ": in another order", now.at
}

// without returns the values of a list that another one has not, and the index of the first of them. A value that is there more often counts.
func without(list, other []string) (out []string, first int) {
	left := map[string]int{}
	for _, v := range other {
		left[v]++
	}
	first = -1
	for i, v := range list {
		if left[v]--; left[v] < 0 {
			if out = append(out, v); first < 0 {
				first = i
			}
		}
	}
	return out, first
}

// items lists values, each with a sign.
func items(values []string, sign string) string {
	shown := values
	if len(values) > maxItems {
		shown = values[:maxItems]
	}
	out := make([]string, len(shown))
	for i, v := range shown {
		out[i] = sign + short(v)
	}
	return strings.Join(out, ", ") + more(len(values)-len(shown))
}

// digestOf returns the first 12 digits of a digest.
func digestOf(d string) string {
	algorithm, hex, _ := strings.Cut(d, ":")
	return visible(algorithm + ":" + hex[:min(len(hex), 12)])
}
