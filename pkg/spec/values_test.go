package spec_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

func TestLoadValues(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []string // NAME=VALUE at LINE:COLUMN, or the errors
	}{
		{"strings", "# who builds\nbase: docker.io/library/debian:12\nempty: ''\nlines: |\n  a\n  b\nx-y: z\n",
			[]string{"base=docker.io/library/debian:12 at 2:7", "empty= at 3:8", "lines=a\nb\n at 4:8", "x-y=z at 7:6"}},
		{"an alias", "a: &v 'x'\nb: *v\n", []string{"a=x at 1:4", "b=x at 2:4"}},
		{"nothing", "# nothing yet\n", nil},
		{"no string", "a: 12\nb: yes\nc: {}\nd:\n", []string{
			`v.yaml:1:4: a has to be a string, not the number 12 (write "12")`, `v.yaml:3:4: c has to be a string, not a mapping (write NAME: value)`,
			`v.yaml:4:3: d has to be a string, not nothing`}},
		{"a key that is nothing", "? \n: x\n", []string{`v.yaml:1:2: a key in the values has to be a name, not nothing`}},
		{"a variable twice", "a: x\na: y\n", []string{`v.yaml:2:1: duplicate key "a" in the values (it is already there in line 1, column 1)`}},
		{"a list", "- a\n", []string{"v.yaml:1:1: a file of values has to be a mapping, not a list (write NAME: value)"}},
		{"two documents", "a: x\n---\nb: y\n", []string{"v.yaml:3:1: a second document begins here (move its values into the first)"}},
		{"no YAML", "a: [\n", []string{"v.yaml:2:1: "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "v.yaml")
			if err := os.WriteFile(file, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			values, err := spec.LoadValues(file)
			var got []string
			var mistakes spec.Errors
			if errors.As(err, &mistakes) {
				got = strings.Split(strings.ReplaceAll(err.Error(), dir+"/", ""), "\n")
			} else if err != nil {
				t.Fatal(err)
			} else {
				for _, v := range values.Variables {
					got = append(got, v.Name.Value+"="+v.Value.Value+" at "+v.Value.At.Start.String())
				}
			}
			if test.name == "no YAML" {
				if len(got) != 1 || !strings.HasPrefix(got[0], "v.yaml:") {
					t.Errorf("got %q", got)
				}
				return
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
