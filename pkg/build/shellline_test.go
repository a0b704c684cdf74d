package build

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

func TestLineOfScript(t *testing.T) {
	const script = "echo a\nnosuch --x\necho \"$UNSET\"\nif\n"
	for _, test := range []struct {
		name   string
		output []string
		line   int // 0: it is not known
	}{
		{"dash: a program that is not there", []string{"a", "/bin/sh: 2: nosuch: not found"}, 2},
		{"dash: a variable that is not set", []string{"/bin/sh: 3: UNSET: parameter not set"}, 3},
		{"dash: a syntax error", []string{"/bin/sh: 4: Syntax error: \"fi\" unexpected"}, 4},
		{"dash: the end of the script", []string{"/bin/sh: 5: Syntax error: end of file unexpected (expecting \"then\")"}, 4},
		{"bash: a program that is not there", []string{"/bin/sh: line 2: nosuch: command not found"}, 2},
		{"bash: a syntax error", []string{"/bin/sh: -c: line 4: syntax error near unexpected token `fi'"}, 4},
		{"bash: the end of the script", []string{"/bin/sh: -c: line 5: syntax error: unexpected end of file"}, 4},
		{"busybox tells no line", []string{"/bin/sh: nosuch: not found"}, 0},
		{"another line after it", []string{"/bin/sh: 2: nosuch: not found", "make: *** [all] Error 127"}, 0},
		{"a shell that another program ran", []string{"/bin/sh: 1: nosuch: not found"}, 0},
		{"a script of another file", []string{"install.sh: 2: nosuch: not found"}, 0},
		{"a line that there is not", []string{"/bin/sh: 9: nosuch: not found"}, 0},
		{"a syntax error in a line that there is not", []string{"/bin/sh: 9: Syntax error: \"fi\" unexpected"}, 0},
		{"no output", nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			line, ok := lineOfScript(script, test.output)
			if ok != (test.line > 0) || ok && line != test.line {
				t.Errorf("got line %d, %t, want %d", line, ok, test.line)
			}
		})
	}
}

func TestPlaceOfLine(t *testing.T) {
	source := []byte("steps:\n  - run: |\n      echo a\n      nosuch ${{ x }}\n        indented\n  - run: b\n")
	step := spec.Range{Start: spec.Position{Line: 2, Column: 5}, End: spec.Position{Line: 5, Column: 17}}
	got, ok := placeOfLine(source, step, "echo a\nnosuch value\n  indented\n", 2)
	want := spec.Range{Start: spec.Position{Line: 4, Column: 7}, End: spec.Position{Line: 4, Column: 22}}
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("found %t (-want +got):\n%s", ok, diff)
	}
	if _, ok := placeOfLine(source, step, "echo b\nanother\n  indented\n", 3); ok {
		t.Error("a script was found that is written in another way")
	}
}
