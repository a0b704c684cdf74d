package spec_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

func errs(lines ...int) spec.Errors {
	var all spec.Errors
	for _, line := range lines {
		at := spec.Position{Line: line, Column: 1}
		all = append(all, &spec.Error{File: "f.yaml", At: spec.Range{Start: at, End: at}, Message: "wrong"})
	}
	return all
}

// Join leaves out errors that only follow from earlier ones.
func TestJoin_dropsConsequences(t *testing.T) {
	joined := spec.Join(errs(2, 9), errs(0, 1, 2, 5))
	want := strings.Join([]string{"f.yaml:1:1: wrong", "f.yaml:2:1: wrong", "f.yaml:5:1: wrong", "f.yaml:9:1: wrong"}, "\n")
	if diff := cmp.Diff(want, joined.Error()); diff != "" {
		t.Errorf("joined (-want +got):\n%s", diff)
	}
}

func TestJoin_otherErrors(t *testing.T) {
	broken := errors.New("the disk is broken")
	if got := spec.Join(broken, errs(1)); !errors.Is(got, broken) {
		t.Errorf("got %v", got)
	}
	if got := spec.Join(errs(1), nil); got.Error() != "f.yaml:1:1: wrong" {
		t.Errorf("got %v", got)
	}
}

// Parse returns what it could read of a spec with mistakes.
func TestParse_partial(t *testing.T) {
	s, err := spec.Parse("f.yaml", []byte("version: 1\nname: 5\nimages:\n  a: {from: scratch, x: 1}\n"))
	if err == nil || s == nil || len(s.Images) != 1 || s.Images[0].Value.From.Value != "scratch" {
		t.Errorf("got %+v, %v", s, err)
	}
	if s, err := spec.Parse("f.yaml", []byte("version: 2\nimages: {}\n")); err == nil || s != nil {
		t.Errorf("of another version: got %+v, %v", s, err)
	}
}
