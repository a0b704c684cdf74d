package diagnostic_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/width"

	"github.com/pulpimg/pulpimg/internal/diagnostic"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// screenWidth is how many columns of a terminal a character takes that is shown as it is.
func screenWidth(c rune) int {
	kind := width.LookupRune(c).Kind()
	switch {
	case unicode.In(c, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case kind == width.EastAsianWide || kind == width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// under returns the first character that takes a column of a terminal.
func under(line string, column int) (rune, bool) {
	at := 0
	for _, c := range line {
		if w := screenWidth(c); at <= column && column < at+w {
			return c, at == column
		}
		at += screenWidth(c)
	}
	return ' ', true
}

// shownAs reports whether a screen may show one character as another.
func shownAs(c, shown rune) bool {
	switch {
	case c == '\t':
		return shown == ' '
	case unicode.IsControl(c), unicode.In(c, unicode.Zl, unicode.Zp, unicode.Bidi_Control):
		return shown == '�'
	}
	return shown == c
}

func FuzzText(f *testing.F) {
	for _, c := range cases {
		for _, d := range c.list {
			f.Add(c.source, d.At.Start.Line, d.At.Start.Column, d.At.End.Line, d.At.End.Column, c.style.Width, d.Message)
		}
	}
	f.Fuzz(func(t *testing.T, source string, line, column, endLine, endColumn, screen int, message string) {
		source = strings.ToValidUTF8(source, "?")
		d := diagnostic.Diagnostic{
			Kind: diagnostic.Mistake, File: "f.yaml", Message: message, Hint: "do " + message,
			At: spec.Range{Start: spec.Position{Line: line, Column: column}, End: spec.Position{Line: endLine, Column: endColumn}},
		}
		sources := diagnostic.Sources{"f.yaml": []byte(source)}
		var out, github bytes.Buffer
		step := d
		step.Kind, step.Output = diagnostic.Failure, []string{message}
		if err := diagnostic.Text(io.Discard, []diagnostic.Diagnostic{step}, sources, diagnostic.Style{Width: screen, Color: true}); err != nil {
			t.Fatal(err)
		}
		if err := diagnostic.Text(&out, []diagnostic.Diagnostic{d}, sources, diagnostic.Style{Width: screen}); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(strings.ReplaceAll(out.String(), "\n", ""), unicode.IsControl) {
			t.Fatalf("a control character reaches the terminal: %q", out.String())
		}
		if err := diagnostic.GitHub(&github, []diagnostic.Diagnostic{d}); err != nil || strings.Count(github.String(), "\n") != 1 {
			t.Fatalf("an annotation is one line, not %q (%v)", github.String(), err)
		}
		if _, err := json.Marshal(diagnostic.Records([]diagnostic.Diagnostic{d}, sources)); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(source, "\n")
		if line < 1 || line > len(lines) || column < 1 {
			return
		}
		want := []rune(strings.TrimSuffix(lines[line-1], "\r"))
		printed := strings.Split(out.String(), "\n")
		if len(printed) != 6 {
			t.Fatalf("%d lines, want the message, the line, the caret, the hint and the count:\n%s", len(printed), out.String())
		}
		_, shown, _ := strings.Cut(printed[1]+" ", "| ")
		_, carets, _ := strings.Cut(printed[2], "| ")
		at := strings.IndexByte(carets, '^')
		if at < 0 || strings.Trim(carets, " ~") != "^" {
			t.Fatalf("no caret:\n%s", out.String())
		}
		if column > len(want) || screenWidth(want[column-1]) == 0 {
			return
		}
		if got, whole := under(shown, at); !whole || !shownAs(want[column-1], got) {
			t.Fatalf("the caret is under %q, want %q:\n%s", got, want[column-1], out.String())
		}
	})
}
