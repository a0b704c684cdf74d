package diagnostic_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/internal/diagnostic"
	"github.com/pulpimg/pulpimg/internal/golden"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// at is a place whose end nobody knows.
func at(line, column int) spec.Range {
	place := spec.Position{Line: line, Column: column}
	return spec.Range{Start: place, End: place}
}

func mistake(line, column int, message string) diagnostic.Diagnostic {
	return diagnostic.Diagnostic{Kind: diagnostic.Mistake, File: "f.yaml", At: at(line, column), Message: message}
}

func hinted(d diagnostic.Diagnostic, hint string) diagnostic.Diagnostic {
	d.Hint = hint
	return d
}

const ordinary = `version: 1
name: f
images:
  base:
    from: "fedora"   # no tag
    labels: {a b: 'it''s', c: x}
    steps:
      - run: |
          make
          make install
`

// failure is a step that failed.
func failure() diagnostic.Diagnostic {
	return diagnostic.Diagnostic{
		Kind: diagnostic.Failure, File: "f.yaml",
		At:      spec.Range{Start: spec.Position{Line: 8, Column: 9}, End: spec.Position{Line: 10, Column: 9}},
		Message: "[base 1/1] run make …: the command did not complete successfully: exit code: 2",
		Output:  []string{"make: *** No rule", "\x1b[31mstop\x1b[m"},
		Deeper:  "pulpimg build --debug base -f f.yaml --set 'a=two\nlines'",
	}
}

func several(n int) []diagnostic.Diagnostic {
	list := make([]diagnostic.Diagnostic, n)
	for i := range list {
		list[i] = mistake(1, 1, "wrong")
	}
	return list
}

// cases are diagnostics, and the text of f.yaml.
var cases = []struct {
	name, source string
	list         []diagnostic.Diagnostic
	style        diagnostic.Style
}{
	{"ordinary", ordinary, []diagnostic.Diagnostic{
		hinted(mistake(2, 7, `"f" is wrong`), `did you mean "g"?`),
		mistake(4, 3, "a key"), mistake(5, 11, "a string in double quotes"), mistake(6, 14, "a key with a space"),
		mistake(6, 19, "a string in single quotes with one in it"), mistake(6, 31, "the last in brackets"),
	}, diagnostic.Style{}},
	{"one mistake in another file that nobody has", "", []diagnostic.Diagnostic{{Kind: diagnostic.Mistake, File: "other.yaml", At: at(3, 1), Message: "gone"}}, diagnostic.Style{}},
	{"two files", ordinary, []diagnostic.Diagnostic{mistake(2, 7, "here"), {Kind: diagnostic.Mistake, File: "g.yaml", At: at(1, 1), Message: "there"}}, diagnostic.Style{}},
	{"no place", ordinary, []diagnostic.Diagnostic{hinted(diagnostic.Diagnostic{Kind: diagnostic.Other, Message: "the engine is gone\nand \x1b[2J so is its disk"}, "start it")}, diagnostic.Style{}},
	{"many", ordinary, several(25), diagnostic.Style{}},
	{"colours", ordinary, []diagnostic.Diagnostic{hinted(mistake(2, 7, "wrong"), "right it"), failure()}, diagnostic.Style{Color: true}},
	{"a failed step", ordinary, []diagnostic.Diagnostic{failure()}, diagnostic.Style{}},
	{"a long failed step", strings.Repeat("- line\n", 30), []diagnostic.Diagnostic{{
		Kind: diagnostic.Failure, File: "f.yaml", Message: "failed",
		At: spec.Range{Start: spec.Position{Line: 8, Column: 1}, End: spec.Position{Line: 28, Column: 1}},
	}}, diagnostic.Style{}},
	{"variables", "a: \"x ${{ nope }} ${B} ${C\"\n", []diagnostic.Diagnostic{mistake(1, 7, "of the spec"), mistake(1, 19, "of the environment"), mistake(1, 24, "never closed")}, diagnostic.Style{}},
	{"brackets", "a: [b, {c: \"]\", d: ['}']}, e] # x\nf: [\n", []diagnostic.Diagnostic{
		mistake(1, 4, "a list"), mistake(1, 8, "a mapping"), mistake(1, 17, "a key in it"), mistake(1, 25, "the end"), mistake(2, 4, "a list that goes on"),
	}, diagnostic.Style{}},
	{"tabs", "\ta:\tb\t# x\n", []diagnostic.Diagnostic{mistake(1, 1, "a tab"), mistake(1, 2, "the key"), mistake(1, 5, "the value")}, diagnostic.Style{}},
	{"wide characters", "名前: 値段 x, 日本\n", []diagnostic.Diagnostic{mistake(1, 1, "a wide key"), mistake(1, 5, "a wide value")}, diagnostic.Style{}},
	{"combining characters", "e\u0301te\u0301: u\u0308 # \u200d\n", []diagnostic.Diagnostic{mistake(1, 1, "a key"), mistake(1, 8, "a value"), mistake(1, 2, "an accent")}, diagnostic.Style{}},
	{"hidden characters", "a: x\u202e\u2066y\u0085z\u2028w\n", []diagnostic.Diagnostic{mistake(1, 4, "a message with \x1b[2J and\na second line")}, diagnostic.Style{}},
	{"windows", "a: b\r\nc: d\r\n", []diagnostic.Diagnostic{mistake(2, 4, "with a carriage return before each end")}, diagnostic.Style{}},
	{"edges", "ab\n", []diagnostic.Diagnostic{
		mistake(1, 3, "at the end"), mistake(1, 99, "past the end"), mistake(2, 1, "in the empty line at the end"), mistake(3, 1, "past the last line"), mistake(1, -4, "before the line"),
	}, diagnostic.Style{}},
	{"a long line", "key: " + strings.Repeat("a", 80) + " TARGET " + strings.Repeat("z", 80), []diagnostic.Diagnostic{
		mistake(1, 1, "its beginning"), mistake(1, 87, "its middle"), mistake(1, 173, "its last character"),
	}, diagnostic.Style{Width: 60}},
	{"a value longer than the screen", "k: " + strings.Repeat("長い", 100), []diagnostic.Diagnostic{mistake(1, 4, "wide")}, diagnostic.Style{Width: 40}},
	{"a known end", ordinary, []diagnostic.Diagnostic{{
		Kind: diagnostic.Mistake, File: "f.yaml", Message: "two words",
		At: spec.Range{Start: spec.Position{Line: 5, Column: 5}, End: spec.Position{Line: 5, Column: 19}},
	}}, diagnostic.Style{}},
	{"awkward for github", ordinary, []diagnostic.Diagnostic{{
		Kind: diagnostic.Mistake, File: "a,b:c%.yaml", At: at(1, 1), Message: "100% of, it: is\r\nwrong", Hint: "a,b:c",
	}}, diagnostic.Style{}},
}

func TestText_golden(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			sources := diagnostic.Sources{"f.yaml": []byte(c.source)}
			var text, github bytes.Buffer
			if err := diagnostic.Text(&text, c.list, sources, c.style); err != nil {
				t.Fatal(err)
			}
			if err := diagnostic.GitHub(&github, c.list); err != nil {
				t.Fatal(err)
			}
			records, err := json.MarshalIndent(diagnostic.Records(c.list, sources), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			got := strings.ReplaceAll(text.String(), "\x1b", "<ESC>") + "\n" + github.String() + "\n" + string(records) + "\n"
			golden.Compare(t, filepath.Join("testdata", strings.ReplaceAll(c.name, " ", "_")+".golden"), got)
		})
	}
}
