package family_test

import (
	"testing"

	"github.com/pulpimg/pulpimg/pkg/family"
)

func TestCanBecome(t *testing.T) {
	for _, test := range []struct {
		image, start string
		want         bool
	}{
		{"", "app", true},
		{"root", "app", true},
		{"0:5", "1000", true},
		{"app", "", true},
		{"app:app", "app", true},
		{"app", "1000", true}, // app may be 1000
		{"1000", "app", true},
		{"app", "web", false},
		{"1000", "1001", false},
		{"1000", "root", false},
		{"app", "0", false},
	} {
		if got := family.CanBecome(test.image, test.start); got != test.want {
			t.Errorf("%q can become %q: %t, want %t", test.image, test.start, got, test.want)
		}
	}
}
