package build

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/key"
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/internal/record"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// A madeLayer is a layer of an image that was built.
type madeLayer struct {
	diffID digest.Digest
	blob   ocispec.Descriptor
}

// madeImages are the layers of the images that were built, all of them from the lowest, by the names of platformImages.
type madeImages map[string][]madeLayer

// A recorder records what the steps of a build made.
type recorder struct {
	chain                      // of what the build did
	after   *forecast.Forecast // the keys of what it did it with: files may have changed since
	made    map[string]madeLayer
	history map[string]ran
	blobs   *layout.Blobs // that have the layers
	now     time.Time

	checked bool // the published images have what their containers need
}

// ran says what an engine did for a command. Of several platforms, it may have run for some, and the results for others were cached.
type ran struct{ ran, cached bool }

// recordAll records what a build made, as far as the forecast did not know it. What changed on disk since the forecast is not recorded. A
// build is good without it: the error says why later builds make again what this one made.
func (s settings) recordAll(ctx context.Context, before *forecast.Forecast, steps []Step, made madeImages, from *layout.Layout) error {
	if before == nil || s.recorded(ctx, before) {
		return nil
	}
	s.NoCache = false // the keys are wanted, not what to do
	after, err := s.foreseeOf(ctx, s.sumOrOther)
	if err != nil {
		return fmt.Errorf("recording what was built: %w", err)
	}
	r := recorder{
		chain: newChain(s, before), after: after, made: map[string]madeLayer{}, history: map[string]ran{}, blobs: from.Blobs(),
		now: time.Now().UTC().Truncate(time.Second), checked: made != nil,
	}
	for _, step := range steps {
		if step.Command && step.Err == "" && (step.Duration > 0 || step.Cached) {
			before := r.history[step.Name]
			r.history[step.Name] = ran{ran: before.ran || !step.Cached, cached: before.cached || step.Cached}
		}
	}
	for _, image := range before.Images {
		r.assign(image, made[image.Name()])
	}
	for _, image := range before.Images {
		if err := r.image(ctx, image); err != nil {
			return fmt.Errorf("recording what was built of %s: %w", image.Source.Name, err)
		}
	}
	s.removeUnused()
	return nil
}

// recorded reports whether there is nothing to record, because a build had nothing to do and all that it could have looked into is known. In a
// large family, to compute all keys once more takes as long as the rest.
func (s settings) recorded(ctx context.Context, f *forecast.Forecast) bool {
	for _, image := range f.Images {
		if image.State() != forecast.Same {
			return false
		}
		if len(image.Source.Needs) > 0 && !image.Source.Unpublished && !s.looked(ctx, image) {
			return false
		}
	}
	return true
}

// sumOrOther returns the digest of a file or, if it cannot be read any more, one that it never had.
func (s settings) sumOrOther(ctx context.Context, file family.DiskContent) ([]byte, error) {
	sum, err := s.sum(ctx, file)
	if err != nil && ctx.Err() == nil {
		return []byte(rand.Text()), nil
	}
	return sum, err
}

// placeOf names a step of an image for one platform.
func placeOf(image *forecast.Image, at int) string {
	return image.Name() + " " + strconv.Itoa(at)
}

// assign notes the layers of an image with the steps that made them, which may be those of the images below.
func (r *recorder) assign(image *forecast.Image, layers []madeLayer) {
	if len(layers) == 0 {
		return
	}
	type place struct {
		image *forecast.Image
		at    int
	}
	var places []place // from the top down
	for on := image; on != nil; on = on.Below {
		for at := len(on.Steps) - 1; at >= 0; at-- {
			if on.Steps[at].Makes {
				places = append(places, place{on, at})
			}
		}
	}
	below := 0
	if image.Base != nil {
		below = len(image.Base.Config.RootFS.DiffIDs)
	}
	if len(layers) != below+len(places) {
		return // an engine made it of other layers than the steps: what belongs to which cannot be told
	}
	for i, p := range places {
		r.made[placeOf(p.image, p.at)] = layers[len(layers)-1-i]
	}
}

// image records the steps of an image, up to one of which too little is known.
func (r *recorder) image(ctx context.Context, image *forecast.Image) error {
	on := r.start(image)
	after := r.after.Image(image.Source, image.Platform)
	for at, step := range image.Steps {
		if !step.Makes || on == "" {
			continue
		}
		now := after.Steps[at]
		if on = r.together(image, at, on); on == "" || now.Key != step.Key || step.Command && !r.finished(image, at, step) {
			on = ""
			break
		}
		next, err := r.step(ctx, image, at, on)
		if err != nil {
			return err
		}
		on = next
	}
	if on == "" {
		return nil
	}
	r.on[image.Name()] = on
	if r.checked && len(image.Source.Needs) > 0 && !image.Source.Unpublished {
		return r.keepRecord(image.Source, checkOf(image, on))
	}
	return nil
}

// finished reports whether a command is known or was run.
func (r *recorder) finished(image *forecast.Image, at int, step forecast.Step) bool {
	if step.State == forecast.Same {
		return true
	}
	_, made := r.made[placeOf(image, at)]
	return made || r.history[stepName(image, at)] != (ran{})
}

// step records a step, and returns what the next one is made on.
func (r *recorder) step(ctx context.Context, image *forecast.Image, at int, on digest.Digest) (digest.Digest, error) {
	step := image.Steps[at]
	if step.State == forecast.Same {
		return after(step.Command, on, step.Record.Result), nil
	}
	made, kept := r.made[placeOf(image, at)]
	own, known := r.ownRecord(image.Source, step.Key)
	out := record.Record{Key: step.Key, On: on}
	if !step.Command {
		out.Key = key.Layer(step.Key, r.Created)
	}
	switch {
	case kept:
		out.Result, out.Blob = made.diffID, &made.blob
		if err := r.keep(ctx, step, made); err != nil {
			return "", err
		}
	case !step.Command && step.Record != nil && step.Record.On == on:
		return on, nil // it is as it was, and its layer may be kept
	case !step.Command:
		out.Result = step.Key
	case r.history[stepName(image, at)] == (ran{cached: true}) && step.Record != nil && known && own.On == on:
		return key.Run(on, own.Result), nil // it is as it was here; what a registry told is what another engine made
	default:
		out.Result = lostResult(step.Key, r.againOf(step))
	}
	if step.Command {
		out.Network = family.UsesNetwork(image.Source.Steps[at])
		out.Ran, out.Again = r.ranAt(image, at, step, out), r.againOf(step)
	}
	return after(step.Command, on, out.Result), r.keepRecord(image.Source, out)
}

// lostResult returns what stands for the layer of a command that nobody kept. It is the same for all runs of the command but those that were
// asked for: what was taken from one of them goes on to count when the command runs once more, here or on another machine, only because its layer
// is wanted again.
func lostResult(k digest.Digest, again string) digest.Digest {
	return digest.FromString(string(k) + " " + again)
}

// stepName is the name under which people and engines see a step.
func stepName(image *forecast.Image, at int) string { return llb.StepName(image.Source, at) }

// ranAt returns when a command ran: now, or when the engine made what it has. The zero time stands for a time that nobody knows.
//
// Steps of two platforms have one name, so when the command of one ran, the history does not say that the other's result was in the cache. Of a
// command that the engine was free to take from there, the same layer as before counts as that.
func (r *recorder) ranAt(image *forecast.Image, at int, step forecast.Step, made record.Record) time.Time {
	if step.Fresh {
		return r.now
	}
	before, known := r.ownRecord(image.Source, step.Key)
	known = known && before.On == made.On
	same := known && before.Result == made.Result
	if same && made.Blob == nil {
		return before.Ran // what was taken from the earlier run may be in images
	}
	switch cached := r.history[stepName(image, at)].cached; {
	case same && (cached || step.State == forecast.MayRun), known && cached && before.Blob == nil:
		return before.Ran
	case cached:
		return time.Time{}
	}
	return r.now
}

// keep keeps the layer of a command for later builds. Those of files are kept already.
func (r *recorder) keep(ctx context.Context, step forecast.Step, made madeLayer) error {
	if !step.Command {
		return nil
	}
	return r.layers.Keep(ctx, r.blobs, made.diffID, made.blob)
}
