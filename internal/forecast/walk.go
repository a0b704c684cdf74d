package forecast

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pulpimg/pulpimg/internal/key"
	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/internal/record"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// A walker makes the forecast for one platform.
type walker struct {
	Sources
	options  llb.Options
	platform ocispec.Platform
	bases    bases
	wanted   wanted
	done     map[string]*Image
}

// bases are the images from outside, by reference and platform.
type bases map[string]*Base

// lookUpBases looks up all images from outside at once.
func lookUpBases(ctx context.Context, families []*family.Family, all []ocispec.Platform, from Sources) (bases, error) {
	found := bases{}
	var mu sync.Mutex
	group, groupCtx := errgroup.WithContext(ctx)
	add := func(image *family.Image, source *family.ImageSource, reference string, platform ocispec.Platform) {
		name := NameFor(reference, platform)
		mu.Lock()
		defer mu.Unlock()
		if _, ok := found[name]; ok {
			return
		}
		found[name] = nil
		group.Go(func() error {
			base, err := from.Base(groupCtx, image, source, reference, platform)
			mu.Lock()
			defer mu.Unlock()
			found[name] = base
			return err
		})
	}
	for i, f := range families {
		options := from.Options(f, all[i])
		for _, image := range f.Images {
			on := options.RunsOn(image)
			if image.Parent == nil && image.Base != family.Scratch {
				add(image, nil, image.Base, on)
			}
			for _, source := range image.Sources() {
				if source.Image == nil {
					add(image, &source, source.Reference, on)
				}
			}
		}
	}
	return found, group.Wait()
}

// family walks through the images of a family, which come after what they need.
func (w walker) family(ctx context.Context, f *family.Family) ([]*Image, error) {
	out := make([]*Image, len(f.Images))
	for i, source := range f.Images {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		image, err := w.image(ctx, source)
		if err != nil {
			return nil, err
		}
		out[i], w.done[NameFor(source.Name, w.platform)] = image, image
	}
	return out, nil
}

// start returns the image before its first step.
func (w walker) start(source *family.Image) (image *Image, err error) {
	image = &Image{Source: source, Platform: w.platform, known: true}
	if source.Parent != nil {
		below := w.done[NameFor(source.Parent.Name, w.platform)]
		if below == nil {
			return nil, missing(source.Name)
		}
		image.Below = below
		image.Base, image.Key, image.On, image.known = below.Base, below.Key, below.On, below.known
		image.unknown, image.other = below.unknown, below.other
		image.compiled, err = below.compiled.Child(source)
		return image, err
	}
	on := w.options.RunsOn(source)
	base := llb.Base{}
	image.Key = key.Empty(platforms.Format(on))
	if source.Base != family.Scratch {
		image.Base = w.bases[NameFor(source.Base, on)]
		base = llb.Base{Reference: image.Base.Reference, Config: image.Base.Config}
		image.Key = key.Base(image.Base.Manifest)
	}
	image.On = image.Key
	image.compiled, err = llb.New(source, base, w.options)
	return image, err
}

func (w walker) image(ctx context.Context, source *family.Image) (*Image, error) {
	image, err := w.start(source)
	if err != nil {
		return nil, err
	}
	image.Start = image.On
	for at, step := range source.Steps {
		if _, ok := step.(family.Env); ok {
			image.Steps = append(image.Steps, Step{Key: image.Key, On: image.On, State: Same})
			if image.compiled, err = image.compiled.AddEnv(); err != nil {
				return nil, err
			}
			continue
		}
		next, err := w.step(ctx, image, at)
		if err != nil {
			return nil, fmt.Errorf("reading what %s is made of: %w", llb.StepName(source, at), err)
		}
		image.Steps = append(image.Steps, next)
		image.compiled = with(image.compiled, next)
		image.known = image.known && next.State == Same && next.Record.Blob != nil
		image.Key, image.On = next.Key, next.after()
	}
	return image, nil
}

// with returns an image with a step, and with its layer if that is known.
func with(image llb.Image, s Step) llb.Image {
	if s.State != Same || s.Record.Blob == nil {
		return image.Skip()
	}
	return image.AddReady(layer.Layer{DiffID: s.Record.Result, Blob: *s.Record.Blob, Known: true, Unlisted: true})
}

// after returns which results of commands the next step is made on.
func (s Step) after() digest.Digest {
	switch {
	case s.State == Run || s.State == MayRun:
		return ""
	case s.Command:
		return key.Run(s.On, s.Record.Result)
	}
	return s.On
}

// step says what a build has to do for a step that makes a layer.
func (w walker) step(ctx context.Context, image *Image, at int) (Step, error) {
	sources, err := w.sources(image, at)
	if err != nil {
		return Step{}, err
	}
	step := Step{On: image.On, Makes: true}
	for _, s := range sources {
		if s.on == "" || step.On == "" {
			step.On = ""
			break
		}
		step.On = key.Together(step.On, s.on)
	}
	image.unknown = image.unknown || slices.ContainsFunc(sources, func(s sourceState) bool { return s.unknown })
	switch image.Source.Steps[at].(type) {
	case family.Run, family.Packages:
		step.Command = true
		if step.Key, err = w.commandKey(ctx, image, at, sources); err != nil {
			return Step{}, err
		}
		step.Record = w.recordOf(image.Source, step.Key)
		step.Fresh = w.fresh(step, image.Source.Steps[at])
		step.State, step.Cause = w.command(ctx, image, at, step, image.unknown)
		image.unknown = image.unknown || step.Record == nil
	default:
		if step.Key, err = w.filesKey(ctx, image, at, sources); err != nil {
			return Step{}, err
		}
		step.Record = w.recordOf(image.Source, key.Layer(step.Key, w.options.Created))
		step.State, step.Cause = w.files(ctx, image, step)
		// What is taken otherwise, such as without some files, may be the same all the same. Files of the spec are not.
		image.unknown = image.unknown || step.Record == nil && len(sources) > 0 && !image.other
		image.other = image.other || step.Record == nil && len(sources) == 0
	}
	return step, nil
}

func (w walker) recordOf(image *family.Image, k digest.Digest) *record.Record {
	if found, ok := w.Record(image, k); ok {
		return &found
	}
	return nil
}

// files says what has to be done for a step that adds files.
func (w walker) files(ctx context.Context, image *Image, step Step) (State, Cause) {
	if w.Fresh {
		return Write, Asked
	}
	if cause := w.notKnown(ctx, image, step); cause != "" {
		return Write, cause
	}
	return Same, ""
}

// notKnown says why what a step makes is not known, or nothing if it is.
func (w walker) notKnown(ctx context.Context, image *Image, step Step) Cause {
	switch {
	case step.On == "":
		return Behind
	case step.Record == nil:
		return Unknown
	case step.Record.On != step.On:
		return Rebuilt
	case w.wanted[image.Name()] && !w.Holds(ctx, *step.Record):
		return Lost
	}
	return ""
}

// A sourceState is an image that a step takes files from, or mounts.
type sourceState struct {
	key, on digest.Digest
	unknown bool
}

// sources returns the images for each copy or mount of a step; the zero value for one that is of something else.
func (w walker) sources(image *Image, at int) ([]sourceState, error) {
	var out []sourceState
	for _, source := range family.SourcesOf(image.Source.Steps[at]) {
		switch {
		case source == nil:
			continue
		case source.Image == nil:
			base := w.bases[NameFor(source.Reference, w.options.RunsOn(image.Source))]
			k := key.Base(base.Manifest)
			out = append(out, sourceState{key: k, on: k})
		default:
			from := w.done[NameFor(source.Image.Name, w.platform)]
			if from == nil {
				return nil, missing(image.Source.Name)
			}
			out = append(out, sourceState{from.Key, from.On, from.unknown})
		}
	}
	return out, nil
}
