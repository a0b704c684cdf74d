package family_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// A required variable is required by every container of the family, whatever starts it.
func TestResolve_requiredVariables(t *testing.T) {
	f, err := resolve(t, head+`environment: { A: { required: true }, B: {}, C: { required: true, secret: true }, D: {} }
images:
  base: { from: scratch, steps: [ helpers: [exec] ] }
  plain: { from: base, command: [c] }
  start: { from: base, start: { require: { variables: [D] }, command: [c] } }
`, family.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, image := range f.Images {
		got[image.Name] = image.Workload.Required
	}
	want := map[string][]string{"base": {"A", "C"}, "plain": {"A", "C"}, "start": {"A", "C", "D"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
