package build

import (
	"context"
	"errors"
	"testing"
)

func TestRetry_onlyForInterruptedCopy(t *testing.T) {
	cannot, other := errors.New("failed to copy: unsupported offset"), errors.New("exit code: 1")
	for _, test := range []struct {
		name      string
		results   []error // of the attempts
		cancelled bool
		forgets   int
		want      error
	}{
		{name: "a success", results: []error{nil}},
		{name: "another failure", results: []error{other}, want: other},
		{name: "an interrupted build left something", results: []error{cannot, nil}, forgets: 1},
		{name: "it fails again", results: []error{cannot, cannot}, forgets: 1, want: cannot},
		{name: "the user has had enough", results: []error{cannot}, cancelled: true, want: cannot},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if test.cancelled {
				cancel()
			}
			attempts, forgets := 0, 0
			_, err := retry(ctx, func(last bool) (outcome, error) {
				attempts++
				if last != (attempts == 2) {
					t.Errorf("attempt %d is the last one: %t", attempts, last)
				}
				return outcome{}, test.results[attempts-1]
			}, func() error {
				forgets++
				return nil
			})
			if !errors.Is(err, test.want) || attempts != len(test.results) || forgets != test.forgets {
				t.Errorf("%d attempts, forgot %d times, got %v; want %d, %d and %v", attempts, forgets, err, len(test.results), test.forgets, test.want)
			}
		})
	}
	want := errors.New("no answer")
	if _, err := retry(t.Context(), func(bool) (outcome, error) { return outcome{}, cannot }, func() error { return want }); !errors.Is(err, want) {
		t.Errorf("got %v, want that the engine does not forget", err)
	}
}
