package build

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/recipe"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// An Action is what a build does with an image or a step.
type Action string

// The actions.
const (
	// ActionSame leaves it as it is.
	ActionSame Action = "same"
	// ActionRelayer writes layers or the config of an image again, without running a command.
	ActionRelayer Action = "relayer"
	// ActionRun runs a command.
	ActionRun Action = "run"
	// ActionMayRun runs a command or not. That depends on what a command before it makes, or on what an engine still has.
	ActionMayRun Action = "may run"
)

// A Plan says what a build does, and why. Its JSON form is stable: keys are added, never changed.
type Plan struct {
	Family string `json:"family"`
	// Against names what the plan compares with: a build, or what is published. It is empty if there is neither.
	Against string         `json:"against"`
	Images  []PlannedImage `json:"images"`
	// Upload is about how many bytes a publication has to send afterwards, as far as it is known what the registries have.
	Upload int64 `json:"upload_bytes"`
	// Tags is how many tags a publication has to create or to move.
	Tags int `json:"tags_to_move"`

	recipe []byte // of the images, encoded
}

// A PlannedImage is what a build does with an image.
type PlannedImage struct {
	Name       string   `json:"image"`
	References []string `json:"references,omitempty"`
	Action     Action   `json:"action"`
	// Reasons say why, the most important one first. There are none for an image that stays the same.
	Reasons []Reason `json:"reasons"`
	// Run is how many commands run, and MayRun how many more may run.
	Run    int           `json:"commands_to_run"`
	MayRun int           `json:"commands_that_may_run"`
	Steps  []PlannedStep `json:"steps"`
}

// A PlannedStep is what a build does for a step.
type PlannedStep struct {
	Title   string   `json:"step"`
	Action  Action   `json:"action"`
	Reasons []Reason `json:"reasons"`
	// Ran is when the command last ran, if it used the network: what it got from there is that old.
	Ran *time.Time `json:"ran,omitempty"`
}

// A Reason says why something is done.
type Reason struct {
	Text string `json:"reason"`
	// At is the place in the spec, FILE:LINE:COLUMN, or empty.
	At string `json:"at,omitempty"`
}

// Count returns with how many images the build does this.
func (p *Plan) Count(a Action) int {
	n := 0
	for _, image := range p.Images {
		if image.Action == a {
			n++
		}
	}
	return n
}

// Changes reports whether a build and a publication after it have anything to do.
func (p *Plan) Changes() bool { return p.Count(ActionSame) < len(p.Images) || p.Tags > 0 }

// Predict says what a build of a family would do. It needs no engine, and changes nothing but what is known of the world outside: manifests of
// bases and files of URLs are kept. With published, it compares with what the registries have, otherwise with the last build in the layout.
func Predict(ctx context.Context, f *family.Family, with *layout.Layout, published bool, opts Options) (*Plan, error) {
	s, err := opts.settings(true) // no engine is asked after it
	if err != nil {
		return nil, err
	}
	b, err := builder{settings: s, family: f, into: with, started: time.Now()}.on(thisPlatform())
	if err != nil {
		return nil, err
	}
	seen, err := b.foresee(ctx)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, failure(err, f, history{})
	}
	return b.predict(ctx, seen, published)
}

// A predictor makes a plan.
type predictor struct {
	builder
	seen    *forecast.Forecast
	against against
	differ  map[string]recipe.Difference
	action  map[string]Action        // of the images so far, by name
	digests map[string]digest.Digest // of those whose digests are known
	size    uploads
	plan    *Plan
}

func (b builder) predict(ctx context.Context, seen *forecast.Forecast, published bool) (*Plan, error) {
	p := predictor{
		builder: b, seen: seen, action: map[string]Action{}, digests: map[string]digest.Digest{}, plan: &Plan{Family: b.family.Name},
	}
	var err error
	if p.against, err = b.compareWith(ctx, published); err != nil {
		return nil, err
	}
	p.plan.Against = p.against.name
	now, encoded, err := b.recipe(ctx)
	if err != nil {
		return nil, err
	}
	p.plan.recipe = encoded
	p.differ = p.against.since(now, encoded, b.into.Blobs())
	p.size = newUploads(b.into, p.against, b.Created, b.lookup)
	for _, image := range b.family.Images {
		planned, err := p.image(image)
		if err != nil {
			return nil, err
		}
		p.plan.Images = append(p.plan.Images, planned)
		p.action[image.Name] = planned.Action
		p.tags(image)
	}
	p.plan.Upload = p.size.total
	return p.plan, nil
}

// image plans an image for all platforms.
func (p *predictor) image(image *family.Image) (PlannedImage, error) {
	out := PlannedImage{Name: image.Name, Action: ActionSame, Reasons: []Reason{}, Steps: make([]PlannedStep, len(image.Steps))}
	if !image.Unpublished {
		out.References = image.References
	}
	var causes []forecast.Cause
	for at, step := range image.Steps {
		out.Steps[at] = PlannedStep{Title: step.Title(), Action: ActionSame, Reasons: []Reason{}}
		for _, platform := range p.Platforms {
			seen := p.seen.Image(image, platform).Steps[at]
			out.Steps[at].add(seen)
			out.count(seen.State)
			if seen.Cause != "" && !slices.Contains(causes, seen.Cause) {
				causes = append(causes, seen.Cause)
			}
		}
		out.Action = more(out.Action, out.Steps[at].Action)
	}
	same, err := p.sameManifests(image)
	if err != nil {
		return out, err
	}
	if !same {
		out.Action = more(out.Action, ActionRelayer)
	}
	p.explain(image, &out, causes)
	return out, nil
}

// more returns the action that means more work.
func more(a, b Action) Action {
	order := []Action{ActionSame, ActionRelayer, ActionMayRun, ActionRun}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

// add adds what a step means for one platform.
func (s *PlannedStep) add(seen forecast.Step) {
	s.Action = more(s.Action, actionOf(seen.State))
	if r := seen.Record; r != nil && r.Network && seen.State == forecast.Same && (s.Ran == nil || r.Ran.Before(*s.Ran)) {
		s.Ran = &r.Ran
	}
}

func actionOf(s forecast.State) Action {
	switch s {
	case forecast.Run:
		return ActionRun
	case forecast.MayRun:
		return ActionMayRun
	case forecast.Write:
		return ActionRelayer
	}
	return ActionSame
}

func (i *PlannedImage) count(s forecast.State) {
	switch s {
	case forecast.Run:
		i.Run++
	case forecast.MayRun:
		i.MayRun++
	}
}

// sameManifests reports whether a published image is going to be what it is compared with, and notes its digest if it is known already.
func (p *predictor) sameManifests(image *family.Image) (bool, error) {
	if image.Unpublished {
		return true, nil
	}
	var (
		manifests []ocispec.Descriptor
		bases     []map[string]string
	)
	for _, platform := range p.Platforms {
		seen := p.seen.Image(image, platform)
		for on := seen; on != nil && (on == seen || on.Source.Unpublished); on = on.Below {
			p.size.addAll(on, p.differ[on.Source.Name], image) // what is below a published image is published with it
		}
		if !seen.Known() {
			continue
		}
		one := platformImage{source: image, platform: platform, image: seen.Compiled(), base: seen.Base, target: -1}
		base, ok := p.annotations(one)
		if !ok {
			continue
		}
		c, err := compose(one.image, one.onBase(), base)
		if err != nil {
			return false, fmt.Errorf("composing %s: %w", image.Name, err)
		}
		bases = append(bases, base)
		manifests = append(manifests, ocispec.Descriptor{
			MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromBytes(c.manifest), Size: int64(len(c.manifest)), Platform: &platform,
		})
	}
	if len(manifests) < len(p.Platforms) {
		return false, nil
	}
	made := manifests[0].Digest
	if len(manifests) > 1 {
		data, err := json.Marshal(layout.NewIndex(manifests, commonAnnotations(bases)))
		if err != nil {
			return false, err
		}
		made = digest.FromBytes(data)
	}
	p.digests[image.Name] = made
	return p.against.digest(image) == made, nil
}

// annotations returns those about the base of an image. It reports false if they name an image whose digest is not known yet.
func (p *predictor) annotations(image platformImage) (map[string]string, bool) {
	ok := true
	if below := publishedBelow(image.source); below != nil {
		_, ok = p.digests[below.Name]
	}
	return image.baseAnnotations(p.digests), ok
}

// tags counts the tags of an image that do not point to it.
func (p *predictor) tags(image *family.Image) {
	if image.Unpublished {
		return
	}
	made, ok := p.digests[image.Name]
	for _, reference := range image.References {
		if !ok || p.against.tag(reference) != made {
			p.plan.Tags++
		}
	}
}
