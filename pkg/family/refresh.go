package family

import (
	"cmp"
	"strconv"
	"time"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// A Refresh is how old what a command got from the network may be before the command runs again, as people write it: "12h", "7d", "2w", or
// "never". Empty means never, too.
type Refresh string

// Bound returns the greatest age, or 0 if there is no bound.
func (r Refresh) Bound() time.Duration {
	if r == "" {
		return 0
	}
	const day = 24 * time.Hour
	unit := map[byte]time.Duration{'h': time.Hour, 'd': day, 'w': 7 * day}[r[len(r)-1]]
	number, err := strconv.Atoi(string(r[:len(r)-1]))
	if err != nil {
		return 0
	}
	return time.Duration(number) * unit
}

// UsesNetwork reports whether a step runs a command that can use the network, so that another run of it might make something else.
func UsesNetwork(step Step) bool {
	switch s := step.(type) {
	case Packages:
		return true
	case Run:
		return !s.NoNetwork
	}
	return false
}

// RefreshOf returns how old what a step got from the network may be.
func RefreshOf(step Step) Refresh {
	switch s := step.(type) {
	case Packages:
		return s.Refresh
	case Run:
		return s.Refresh
	}
	return ""
}

// refreshForm is the form that package schema describes.
var refreshForm = schema.Refresh.Regexp()

func (r *resolver) refresh(t spec.Text) Refresh {
	value, ok := r.substitute.expand(t, atBuild)
	if t.IsSet() && ok && !refreshForm.MatchString(value) {
		r.report.Add(t.At, spec.RefreshHint, "%q is no span of time after which a command runs again", value)
		return ""
	}
	return Refresh(value)
}

// stepRefresh returns what counts for a step: what it says itself, or what the spec says of all commands that use the network.
func (r *resolver) stepRefresh(own spec.Text, step Step) Refresh {
	if !UsesNetwork(step) {
		return ""
	}
	return cmp.Or(r.refresh(own), r.refreshAll)
}
