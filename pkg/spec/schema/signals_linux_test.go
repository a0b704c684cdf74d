package schema_test

import (
	"fmt"
	"testing"

	"github.com/moby/sys/signal"

	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// docker refuses a signal that moby's table does not have.
func TestSignal_asInDocker(t *testing.T) {
	form := schema.Signal.Regexp()
	names := schema.Signals()
	for name := range signal.SignalMap {
		names = append(names, name)
	}
	for n := range 20 {
		names = append(names, fmt.Sprintf("RTMIN+%d", n), fmt.Sprintf("RTMAX-%d", n))
	}
	for _, name := range append(names, "", "NONE", "TERM ") {
		for _, name := range []string{name, "SIG" + name} {
			if _, err := signal.ParseSignal(name); form.MatchString(name) != (err == nil) {
				t.Errorf("%s: docker says %v, and the form matches: %t", name, err, form.MatchString(name))
			}
		}
	}
}

func TestSignal_numbers(t *testing.T) {
	form := schema.Signal.Regexp()
	for n := -2; n < 130; n++ {
		if got, want := form.MatchString(fmt.Sprint(n)), n >= 1 && n <= 64; got != want {
			t.Errorf("%d: %t", n, got)
		}
	}
	for _, other := range []string{"SIG1", "01", "1.0", "0x9", "sigterm", "SIGSIGTERM"} {
		if form.MatchString(other) {
			t.Errorf("%q is taken for a signal", other)
		}
	}
}
