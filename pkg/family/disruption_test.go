package family_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// A budget that lets one of several containers be taken away is one, and so is one for a single container.
func TestResolve_disruptionBudget(t *testing.T) {
	for budget, want := range map[string]family.DisruptionBudget{
		`replicas: 2, disruptionBudget: {minAvailable: 1}`:      {MinAvailable: "1"},
		`replicas: 3, disruptionBudget: {minAvailable: "66%"}`:  {MinAvailable: "66%"},
		`replicas: 2, disruptionBudget: {maxUnavailable: 100%}`: {MaxUnavailable: "100%"},
		`replicas: 2, disruptionBudget: {minAvailable: "0%"}`:   {MinAvailable: "0%"},
		`disruptionBudget: {minAvailable: 1}`:                   {MinAvailable: "1"},
		`disruptionBudget: {minAvailable: 50%}`:                 {MinAvailable: "50%"},
	} {
		f, err := resolve(t, head+"images: {a: {from: scratch, kubernetes: {"+budget+"}}}\n", family.Options{})
		if err != nil {
			t.Errorf("%s: %v", budget, err)
			continue
		}
		if diff := cmp.Diff(&want, f.Images[0].Workload.DisruptionBudget); diff != "" {
			t.Errorf("%s (-want +got):\n%s", budget, diff)
		}
	}
}
