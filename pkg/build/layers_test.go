package build

import (
	"errors"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

func TestCheckLayers_countsBase(t *testing.T) {
	steps := func(n int) []family.Step { return make([]family.Step, n) }
	base := &family.Image{Name: "base", Base: "docker.io/library/b:1", Steps: steps(2)}
	role := &family.Image{Name: "role", Parent: base, Steps: steps(3)}
	other := &family.Image{Name: "other", Base: "docker.io/library/o:1", Steps: steps(10)}
	f := &family.Family{Images: []*family.Image{base, role, other}}
	for _, test := range []struct {
		name  string
		below int
		want  string
	}{
		{"as many as are allowed", 120, ""},
		{"one too many in a role", 121, "role would have 126 layers: 121 of docker.io/library/b:1 and 5 of its steps and those that it inherits; more than 125 cannot be pulled by docker"},
		{"too many in both", 200, "base would have 202 layers: 200 of docker.io/library/b:1 and 2 of its steps and those that it inherits; more than 125 cannot be pulled by docker"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b llb.Base
			b.Config.RootFS.DiffIDs = make([]digest.Digest, test.below)
			err := checkLayers(f, "docker.io/library/b:1", b)
			var layers *LayersError
			switch {
			case test.want == "" && err != nil:
				t.Errorf("error %v, want none", err)
			case test.want != "" && (!errors.As(err, &layers) || err.Error() != test.want):
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}

func TestFailure_placeOfTooManyLayers(t *testing.T) {
	at := spec.Range{Start: spec.Position{Line: 7, Column: 3}, End: spec.Position{Line: 9, Column: 3}}
	image := &family.Image{Name: "role", Base: "docker.io/library/b:1", At: at}
	f := &family.Family{Spec: &spec.Spec{Filename: "f.yaml"}}
	got := failure(&LayersError{Image: image, Base: 120, Steps: 6}, f, history{}).Error()
	want := "f.yaml:7:3: role would have 126 layers: 120 of docker.io/library/b:1 and 6 of its steps and those that it inherits; more than 125 cannot be pulled by docker (join some of its steps)"
	if got != want {
		t.Errorf("error %s\nwant  %s", got, want)
	}
}
