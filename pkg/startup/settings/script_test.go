//go:build linux

package settings

import (
	"strings"
	"testing"
)

// FuzzQuote reads what quote makes as augtool does, and looks for another text in it.
func FuzzQuote(f *testing.F) {
	for _, text := range []string{"", "a b", `"`, `'`, `\`, `\\`, `\"`, `\t`, `\n`, "][", `a\`, "# not a comment", "é"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, rest := augtoolWord(t, quote(text)+" next"); got != text || rest != " next" {
			t.Errorf("%q becomes %q, which augtool reads as %q, before %q", text, quote(text), got, rest)
		}
	})
}

// augtoolWord reads one word of a command as augtool does: backslashes escape, blanks end a word that is not quoted.
// https://augeas.net/docs/references/1.14.0/augtool.html
func augtoolWord(t *testing.T, line string) (word, rest string) {
	t.Helper()
	var out strings.Builder
	quoted := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && i+1 < len(line) && strings.IndexByte(`\"`, line[i+1]) >= 0:
			i++
			out.WriteByte(line[i])
		case c == '\\':
			t.Fatalf("%q has an escape that is none", line)
		case c == '"':
			quoted = !quoted
		case c == ' ' && !quoted:
			return out.String(), line[i:]
		default:
			out.WriteByte(c)
		}
	}
	return out.String(), ""
}

// What goes into path expressions comes from the spec and means nothing there; values, which can be anything, are words of their own.
func TestQuote(t *testing.T) {
	const odd = `v" '][|$(/x)\ #`
	lines := strings.Split(script([]assignment{{"s", "k", odd}}), "\n")
	found := 0
	for _, line := range lines {
		if strings.Contains(line, "v\\\"") {
			found++
			if want := `setm "$k" "." ` + quote(odd); line != want {
				t.Errorf("got %s, want %s", line, want)
			}
		}
	}
	if found != 1 {
		t.Errorf("the value is in %d commands, want one:\n%s", found, strings.Join(lines, "\n"))
	}
}
