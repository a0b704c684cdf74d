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

// An Image is an image of a family with the steps that were added to it so far. It is a value: what adds to it returns a new one.
type Image struct {
	source *family.Image
	opts   Options
	steps  int             // how many of the image's own steps are in
	below  []digest.Digest // the layers of the base from outside, by their diff IDs

	head   *Head
	tail   []layer.Layer
	config dockerspec.DockerOCIImage

	// What a next command would run on, and how its result becomes part of the image.
	layers []llb.State // the layers so far, the lowest first; what comes before the first layer of files is one file system
	root   llb.State   // the same as a root file system
}

// A Head is the part of an image that an engine has to make: all up to its last command. Images that stand on the same image and run
// no commands of their own have the same head. The rest, the tail, are ready-made layers.
type Head struct {
	state  llb.State
	config dockerspec.DockerOCIImage
	opts   Options
	name   string
}

// New returns an image without steps on a base from outside.
func New(image *family.Image, base Base, opts Options) (Image, error) {
	from := llb.Scratch()
	if base.Reference != "" {
		from = llb.Image(base.Reference, llb.WithCustomNamef("[%s] from %s", image.Name, image.Base), location(opts.SpecFile, image.BaseAt))
	}
	config := onBase(base.Config, opts)
	own, err := declare(config, image, opts)
	return Image{
		source: image,
		opts:   opts,
		below:  base.Config.RootFS.DiffIDs,
		head:   &Head{state: from, config: config, opts: opts, name: image.Name},
		config: own,
		layers: []llb.State{from},
		root:   from,
	}, err
}

// Child returns an image without steps of its own that stands on this one.
func (i Image) Child(image *family.Image) (Image, error) {
	var err error
	i.source = image
	i.steps = 0
	i.config, err = declare(i.config, image, i.opts)
	return i, err
}

// AddLayer adds the next step, one that adds files, with the layer that was made of it.
func (i Image) AddLayer(made layer.Layer) Image {
	named := describe(i.source, i.steps, i.opts)
	source := llb.OCILayout(LayerName+"@"+made.Image.String(), append(as[llb.OCILayoutOption](named.aside(aLayer)), llb.OCIStore("", LayerStore))...)
	next := i.next()
	next.tail = append(slices.Clip(i.tail), made)
	next.layers = append(slices.Clip(i.layers), source)
	next.root = copyInto(i.root, source, made.Entries, named)
	return next
}

// AddCommand adds the next step, one that runs a command.
func (i Image) AddCommand() (Image, error) {
	named := describe(i.source, i.steps, i.opts)
	command, err := commandOf(i.step())
	if err != nil {
		return Image{}, fmt.Errorf("compiling %s: %w", named.name, err)
	}
	after := run(i.root, command, i.config.Config.Env, named)
	next := i.next()
	next.tail = nil
	next.layers = i.layersWith(after, named)
	next.root = after
	next.head = &Head{
		state:  llb.Merge(next.layers, llb.WithCustomNamef("[%s] put the layers together", i.source.Name), location(i.opts.SpecFile, i.source.At), i.opts.again()),
		config: next.config,
		opts:   i.opts,
		name:   i.source.Name,
	}
	return next, nil
}

// layersWith returns the layers with that of a command on top, after it ran on the root file system. As long as there is no layer of
// files, that file system is the layers, and so is what the command made of it.
//
// This is more than a short cut. An engine that is asked for the difference of such a command has two entries under the same chain of
// layers, and one of them consists of the last layer alone. When it pulls an image of these very layers later on, such as a base that
// was built and published here, it takes any one of the two, and the images on that base come out without what is below:
// https://github.com/moby/buildkit/blob/v0.34.2/cache/blobs.go (computeChainMetadata). That is also why copyInto makes a file system of
// its own of every layer, even if nothing is in it.
func (i Image) layersWith(after llb.State, named description) []llb.State {
	if len(i.layers) == 1 {
		return []llb.State{after}
	}
	return append(slices.Clip(i.layers), llb.Diff(i.root, after, named.aside(aLayer)...))
}

// next returns the image with the history entry of the next step, which is then no longer the next.
func (i Image) next() Image {
	i.config.History = append(slices.Clip(i.config.History), historyOf(i.step(), i.opts.Created))
	i.steps++
	return i
}

func (i Image) step() family.Step { return i.source.Steps[i.steps] }

// Head returns the part of the image that an engine has to make. Images that share it return the same one.
func (i Image) Head() *Head { return i.head }

// Tail returns the ready-made layers on top of the head.
func (i Image) Tail() []layer.Layer { return slices.Clone(i.tail) }

// Root returns the LLB of the root file system with the steps so far.
func (i Image) Root(ctx context.Context) (*pb.Definition, error) {
	return marshal(ctx, i.root, i.opts, i.source.Name)
}

// Fetch returns the LLB of the file that an image's step at an index, a Fetch step, puts into the image: a root file system that holds it
// as FetchedFile. It does not depend on what the image stands on.
func Fetch(ctx context.Context, image *family.Image, at int, opts Options) (*pb.Definition, error) {
	step, ok := image.Steps[at].(family.Fetch)
	if !ok {
		return nil, fmt.Errorf("compiling %s: the step %q fetches nothing", image.Name, image.Steps[at].Title())
	}
	return marshal(ctx, fetch(step, CredentialsID(image, at), describe(image, at, opts)), opts, image.Name)
}

// Definition returns the LLB of the head.
func (h *Head) Definition(ctx context.Context) (*pb.Definition, error) {
	return marshal(ctx, h.state, h.opts, h.name)
}

func marshal(ctx context.Context, state llb.State, opts Options, image string) (*pb.Definition, error) {
	def, err := state.Marshal(ctx, llb.Platform(opts.Platform))
	if err != nil {
		return nil, fmt.Errorf("compiling %s: %w", image, err)
	}
	return def.ToPB(), nil
}
