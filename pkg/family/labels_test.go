package family_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
)

const labelled = head + `variables: {rev: {default: "1"}}
labels: {rev: "${{ rev }}", own: family, hidden: family}
images:
  tools: {from: scratch, publish: false}
  under: {from: tools, publish: false, labels: {hidden: under}}
  first: {from: under, labels: {own: first}}
  second: {from: first, labels: {rev: second}}
  stage: {from: second, publish: false}
  third: {from: stage}
  alone: {from: scratch}
`

func TestResolve_familyLabels(t *testing.T) {
	for _, selected := range [][]string{nil, {"third"}, {"second", "alone"}} {
		f := mustResolve(t, labelled, family.Options{Images: selected})
		want := map[string]map[string]string{
			"under":  {"hidden": "under"},
			"first":  {"own": "first", "rev": "1"},
			"second": {"rev": "second"},
			"alone":  {"own": "family", "rev": "1", "hidden": "family"},
		}
		for _, i := range f.Images {
			if diff := cmp.Diff(want[i.Name], i.Config.Labels); diff != "" {
				t.Errorf("with %v selected, %s (-want +got):\n%s", selected, i.Name, diff)
			}
		}
	}
}

// What is not published stays as it is when a label changes.
func TestInputs_familyLabels(t *testing.T) {
	inputs := func(rev string) map[string]string {
		got, err := mustResolve(t, labelled, family.Options{Variables: map[string]string{"rev": rev}}).Inputs(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	one, two := inputs("1"), inputs("2")
	for name, changes := range map[string]bool{"tools": false, "under": false, "first": true, "second": true, "third": true, "alone": true} {
		if changed := one[name] != two[name]; changed != changes {
			t.Errorf("%s changed: %t, want %t", name, changed, changes)
		}
	}
}

func TestResolve_familyLabelErrors(t *testing.T) {
	for _, test := range []struct{ name, labels, want string }{
		{"a name with a space", `{"a b": c}`, `f.yaml:5:10: "a b" is no name for a label`},
		{"an undeclared variable", `{a: "${{ b }}"}`, `f.yaml:5:14: the variable "b" is not declared under variables`},
		{"the target", `{a: "${{ target.os }}"}`, `f.yaml:5:14: target.os is not known here`},
		{"a variable of containers", `{a: "${B}"}`, `f.yaml:5:14: ${B} is known when a container starts, not when the image is built`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := resolve(t, head+"labels: "+test.labels+"\nimages: {a: {from: scratch}, b: {from: a}, c: {from: scratch}}\n", family.Options{})
			if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want only %s", err, test.want)
			}
		})
	}
}
