package engine_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/pulpimg/pulpimg/pkg/engine"
)

// Scripts compare the reason, so each has a word of its own.
func TestUnusableError_isReadableByMachines(t *testing.T) {
	seen := map[string]engine.Reason{}
	for reason := engine.NotIncluded; reason <= engine.AppArmorForbids; reason++ {
		word := reason.String()
		if other, ok := seen[word]; ok || word == "" || word == "unknown" {
			t.Errorf("reason %d is called %q, as is %d", reason, word, other)
		}
		seen[word] = reason
	}
	data, err := json.Marshal(engine.Info{Unusable: &engine.UnusableError{Reason: engine.NoSubIDs, Err: errors.New("no IDs")}})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Unusable struct{ Reason, Message string }
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if got.Unusable.Reason != "no-sub-ids" || got.Unusable.Message != "no IDs" {
		t.Errorf("got %+v of %s", got.Unusable, data)
	}
}
