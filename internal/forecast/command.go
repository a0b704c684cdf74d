package forecast

import (
	"context"
	"time"

	"github.com/pulpimg/pulpimg/internal/record"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// command says what has to be done for a step that runs a command. Unknown reports whether a command before it has no record either,
// or files that are taken from an image: then the key is a new one because of that.
func (w walker) command(ctx context.Context, image *Image, at int, step Step, unknown bool) (State, Cause) {
	source := image.Source.Steps[at]
	switch {
	case w.Fresh, w.Refresh && family.UsesNetwork(source):
		return Run, Asked
	case step.Record != nil && w.old(source, *step.Record):
		return Run, Old
	case step.Record == nil && !unknown: // whatever a command before it makes, nobody ran this one
		return Run, Unknown
	}
	switch cause := w.notKnown(ctx, image, step); {
	case cause == "":
		return Same, ""
	case cause == Behind && !step.Fresh, cause == Lost:
		return MayRun, cause
	default:
		return Run, cause
	}
}

// fresh reports whether a command runs even if an engine has what it made. Of what is not recorded, nobody knows how old it is.
func (w walker) fresh(step Step, source family.Step) bool {
	switch {
	case w.Fresh:
		return true
	case !family.UsesNetwork(source):
		return false
	case w.Refresh:
		return true
	case step.Record == nil, step.On != "" && step.Record.On != step.On:
		return family.RefreshOf(source).Bound() > 0
	}
	return w.old(source, *step.Record)
}

// clockSkew is how far in the future the time of a record may be. One that is further away tells nothing of its age: the clock was wrong
// then, or it is now.
const clockSkew = time.Minute

// old reports whether what a command got from the network is older than it may be, or of unknown age.
func (w walker) old(step family.Step, known record.Record) bool {
	bound := family.RefreshOf(step).Bound()
	if bound == 0 {
		return false
	}
	age := w.Now.Sub(known.Ran)
	return known.Ran.IsZero() || age > bound || age < -clockSkew
}
