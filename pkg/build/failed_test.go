package build

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A build that failed forgets nothing of an earlier one: files behind a builder, of which nobody keeps the layers, are what they were.
func TestRecordAll_failedBuildForgetsNothing(t *testing.T) {
	const spec = specHeader + `  builder: { publish: false, from: scratch, steps: [ run: make ] }
  web:
    from: scratch
    steps: [ files: { image: builder, from: /a, to: /a }, run: { script: good, mounts: [ { image: builder, from: /b, to: /b } ] } ]
`
	s := newSite(t)
	s.write("f.yaml", spec)
	s.record(s.builder(), s.foresee(s.builder()), "")
	s.write("f.yaml", strings.Replace(spec, "good", "bad", 1))
	b := s.builder()
	seen := s.foresee(b)
	want := []string{"builder@linux/amd64 0 may run, lost", "web@linux/amd64 0 write, behind", "web@linux/amd64 1 run, unknown"}
	if diff := cmp.Diff(want, said(seen)); diff != "" {
		t.Errorf("what is to be done (-want +got):\n%s", diff)
	}
	steps := allRan(seen, true)
	steps[1].Err = "exit code 1"
	if err := b.recordAll(t.Context(), seen, steps, nil, s.into); err != nil {
		t.Fatal(err)
	}
	s.write("f.yaml", spec)
	if diff := cmp.Diff([]string{}, said(s.foresee(s.builder()))); diff != "" {
		t.Errorf("what is not known any more (-want +got):\n%s", diff)
	}
}
