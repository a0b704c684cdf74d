package llb

import (
	"context"
	"fmt"
	"slices"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// An Image is an image of a family with the steps that were added to it so far. It is a value: methods that add a step return a new one.
type Image struct {
	source *family.Image
	opts   Options
	again  string          // tells the next command from earlier runs of it
	steps  int             // how many of the image's own steps were added
	base   string          // the reference of the base from outside
	below  []digest.Digest // the diff IDs of its layers

	target   *SolveTarget
	appended []layer.Layer
	config   dockerspec.DockerOCIImage

	// known is set while all layers on the target, of which there are some, are those of earlier builds.
	known bool

	// The input of the next command, and what its result is merged with.
	layers []llb.State // the layers so far, the lowest first; all that is below the first layer of files is one state
	root   llb.State   // the same as one root file system
}

// A SolveTarget is the part of an image that an engine has to make: everything up to its last command. Images that are based on the same
// image and run no commands of their own share its target. The rest of the image are ready-made layers, the appended layers.
type SolveTarget struct {
	state  llb.State
	config dockerspec.DockerOCIImage
	opts   Options
	name   string
	base   bool
}

// IsBase reports whether the target is a base from outside or scratch, without a command.
func (t *SolveTarget) IsBase() bool { return t.base }

// New returns an image without steps on a base from outside.
func New(image *family.Image, base Base, opts Options) (Image, error) {
	from := llb.Scratch()
	if base.Reference != "" {
		from = llb.Image(base.Reference, llb.Platform(opts.RunsOn(image)), llb.WithCustomNamef("[%s] from %s", image.Name, image.Base), location(opts.SpecFile, image.BaseAt))
	}
	config := onBase(base.Config, opts.RunsOn(image), opts)
	own, err := declare(config, image, opts)
	return Image{
		source: image,
		opts:   opts,
		base:   base.Reference,
		below:  base.Config.RootFS.DiffIDs,
		target: &SolveTarget{state: from, config: config, opts: opts, name: image.Name, base: true},
		config: own,
		layers: []llb.State{from},
		root:   from,
	}, err
}

// BaseReference returns the reference of the image from outside that this one is based on, directly or over others; empty for none.
func (i Image) BaseReference() string { return i.base }

// BaseLayers returns how many layers that image has. They are the first ones of the solve target.
func (i Image) BaseLayers() int { return len(i.below) }

// Child returns an image without steps of its own that is based on this one.
func (i Image) Child(image *family.Image) (Image, error) {
	var err error
	i.source = image
	i.steps = 0
	i.config, err = declare(i.config, image, i.opts)
	return i, err
}

// AddLayer adds the next step, which adds files, with the layer that was made from it.
func (i Image) AddLayer(made layer.Layer) Image {
	named := describe(i.source, i.steps, i.opts)
	source := layerState(made, named)
	next := i.next()
	next.known = false
	next.appended = append(slices.Clip(i.appended), made)
	next.layers = append(slices.Clip(i.layers), source)
	next.root = copyInto(i.root, source, made.IsEmpty(), named)
	return next
}

// AddCommand adds the next step, which runs a command. For each mount of the step there is what is mounted, or the zero Content for one in
// memory.
func (i Image) AddCommand(mounted ...Content) (Image, error) {
	i.opts.NoCache = i.opts.NoCache || slices.ContainsFunc(mounted, func(c Content) bool { return c.opts.NoCache })
	named := describe(i.source, i.steps, i.opts)
	command, err := i.command(mounted)
	if err != nil {
		return Image{}, fmt.Errorf("compiling %s: %w", named.name, err)
	}
	command.again = i.again
	after := run(i.root, command, i.config.Config.Env, named, i.opts)
	next := i.next()
	next.known = false
	next.appended = nil
	next.layers = i.layersWith(after, named)
	next.root = after
	next.target = &SolveTarget{
		state:  llb.Merge(next.layers, llb.WithCustomNamef("[%s] put the layers together", i.source.Name), location(i.opts.SpecFile, i.source.At), i.opts.again()),
		config: next.config,
		opts:   i.opts,
		name:   i.source.Name,
	}
	return next, nil
}

// layersWith returns the layers with the layer of a command on top; after is the root file system that the command left. As long as there
// is no layer of files, that file system consists of exactly these layers, so it is returned as it is.
//
// This is more than a short cut. When an engine is asked for the difference of such a command, its cache has two entries for the same
// chain of layers, and one of them consists of the last layer alone. When the engine later pulls an image of the same layers, such as a
// base that was built and published here, it may take either entry. With the wrong one, the images on that base lack the layers below:
// https://github.com/moby/buildkit/blob/v0.34.2/cache/blobs.go (computeChainMetadata). For the same reason, copyInto makes a new file
// system for every layer, even for an empty one.
func (i Image) layersWith(after llb.State, named description) []llb.State {
	if len(i.layers) == 1 {
		return []llb.State{after}
	}
	return append(slices.Clip(i.layers), llb.Diff(i.root, after, named.aside(layerVertex)...))
}

// AddEnv adds the next step, which sets variables.
func (i Image) AddEnv() (Image, error) {
	step, ok := i.step().(family.Env)
	if !ok {
		return Image{}, fmt.Errorf("compiling %s: the step %q sets no variables", i.source.Name, i.step().Title())
	}
	env, err := withEnv(i.config.Config.Env, step.Vars, i.source)
	if err != nil {
		return Image{}, err
	}
	i.config.Config.Env = env
	i.config.History = append(slices.Clip(i.config.History), emptyLayers(envLines(step.Vars), i.opts.Created)...)
	i.steps++
	return i, nil
}

// next returns the image after its next step: with the step's history entry, and with the step counted.
func (i Image) next() Image {
	i.config.History = append(slices.Clip(i.config.History), historyOf(i.step(), i.opts.Created))
	i.again = ""
	i.steps++
	return i
}

func (i Image) step() family.Step { return i.source.Steps[i.steps] }

// SolveTarget returns the part of the image that an engine has to make. Images that share their target return the same pointer.
func (i Image) SolveTarget() *SolveTarget { return i.target }

// AppendedLayers returns the ready-made layers on top of the solve target.
func (i Image) AppendedLayers() []layer.Layer { return slices.Clone(i.appended) }

// Root returns the LLB of the root file system with the steps so far.
func (i Image) Root(ctx context.Context) (*pb.Definition, error) {
	return marshal(ctx, i.root, i.opts, i.source.Name)
}

// Fetch returns the LLB that fetches the file of an image's Fetch step, which is at the given index: a root file system that holds the file
// as FetchedFile. It does not depend on what the image is based on.
func Fetch(ctx context.Context, image *family.Image, at int, opts Options) (*pb.Definition, error) {
	step, ok := image.Steps[at].(family.Fetch)
	if !ok {
		return nil, fmt.Errorf("compiling %s: the step %q fetches nothing", image.Name, image.Steps[at].Title())
	}
	return marshal(ctx, fetch(step, CredentialsID(image, at), describe(image, at, opts)), opts, image.Name)
}

// Definition returns the LLB of the solve target.
func (t *SolveTarget) Definition(ctx context.Context) (*pb.Definition, error) {
	return marshal(ctx, t.state, t.opts, t.name)
}

func marshal(ctx context.Context, state llb.State, opts Options, image string) (*pb.Definition, error) {
	def, err := state.Marshal(ctx, llb.Platform(opts.Platform))
	if err != nil {
		return nil, fmt.Errorf("compiling %s: %w", image, err)
	}
	return def.ToPB(), nil
}
