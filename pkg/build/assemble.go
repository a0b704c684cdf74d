package build

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pulpimg/pulpimg/pkg/compile"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layer"
)

// A plan is what a build makes: heads by the engine, and images on top of them.
type plan struct {
	heads  []head
	images []placed // in build order, the platforms of an image side by side
}

// A head is a part of images that the engine makes, for one platform.
type head struct {
	id       string
	platform ocispec.Platform
	config   []byte
	def      *pb.Definition
}

// A placed is an image for one platform and the index of its head in the plan.
type placed struct {
	source   *family.Image
	platform ocispec.Platform
	image    compile.Image
	tree     layer.Tree
	head     int
}

// An assembler finds out what the images of a family consist of.
type assembler struct {
	family   *family.Family
	opts     Options
	engine   gateway.Client
	announce func(name string, since time.Time, cached bool) // shows a step that is not the engine's
}

// plan asks the engine what has to be known of the bases and file trees, and plans the images of all platforms.
func (a assembler) plan(ctx context.Context) (plan, error) {
	var images []placed
	assemblies := map[string]func() (assembly, error){}
	group, until := errgroup.WithContext(ctx) // the context ends with the group
	for _, platform := range a.opts.Platforms {
		platformAssembler{assembler: a, platform: platform}.prepare(until, assemblies)
	}
	for _, source := range a.family.Images {
		for _, platform := range a.opts.Platforms {
			images = append(images, placed{source: source, platform: platform})
		}
	}
	for i := range images {
		group.Go(func() error {
			assembled, err := assemblies[images[i].name()]()
			images[i].image, images[i].tree = assembled.image, assembled.tree
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return plan{}, err
	}
	for _, image := range images {
		if err := check(ctx, image.source, image.tree); err != nil {
			return plan{}, err
		}
	}
	return withHeads(ctx, images)
}

// withHeads finds the heads of images, each once.
func withHeads(ctx context.Context, images []placed) (plan, error) {
	p := plan{images: images}
	known := map[*compile.Head]int{}
	for i, image := range images {
		shared := image.image.Head()
		at, ok := known[shared]
		if !ok {
			config, err := shared.Config()
			if err != nil {
				return plan{}, err
			}
			def, err := shared.Definition(ctx)
			if err != nil {
				return plan{}, err
			}
			at = len(p.heads)
			known[shared] = at
			p.heads = append(p.heads, head{id: image.name(), platform: image.platform, config: config, def: def})
		}
		p.images[i].head = at
	}
	return p, nil
}

// solve has the heads solved and returns them as the parts of one result, for one export. The exporter takes them for the platforms of
// one image: it asks for no more than an ID and a platform for each. Otherwise than at once, the engine makes the heads for the export, when
// nobody can look at what it failed with any more.
func (p plan) solve(ctx context.Context, engine gateway.Client, atOnce bool) (*gateway.Result, error) {
	result := gateway.NewResult()
	var list exptypes.Platforms
	group, ctx := errgroup.WithContext(ctx)
	for _, h := range p.heads {
		list.Platforms = append(list.Platforms, exptypes.Platform{ID: h.id, Platform: h.platform})
		result.AddMeta(exptypes.ExporterImageConfigKey+"/"+h.id, h.config)
		group.Go(func() error {
			ref, err := solve(ctx, engine, h.def)
			if err == nil && atOnce && ref != nil {
				err = ref.Evaluate(ctx)
			}
			if err == nil {
				result.AddRef(h.id, ref)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	data, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	result.AddMeta(exptypes.ExporterPlatformsKey, data)
	return result, nil
}

func solve(ctx context.Context, engine gateway.Client, def *pb.Definition) (gateway.Reference, error) {
	solved, err := engine.Solve(ctx, gateway.SolveRequest{Definition: def})
	if err != nil {
		return nil, err
	}
	return solved.SingleRef()
}

// An assembly is an image with all its steps, and the file tree that they result in.
type assembly struct {
	image compile.Image
	tree  layer.Tree
}

// A platformAssembler puts the images together for one platform.
type platformAssembler struct {
	assembler
	platform ocispec.Platform
}

// prepare adds a function for each image that puts it together once, however often it is called.
func (p platformAssembler) prepare(ctx context.Context, images map[string]func() (assembly, error)) {
	bases := map[string]func() (compile.Base, error){}
	for _, image := range p.family.Images {
		start := func() (assembly, error) {
			base, err := bases[image.Base]()
			if err != nil {
				return assembly{}, err
			}
			return p.start(image, base), nil
		}
		if image.Parent != nil {
			parent := images[placed{source: image.Parent, platform: p.platform}.name()]
			start = func() (assembly, error) {
				on, err := parent()
				on.image = on.image.Child(image)
				return on, err
			}
		} else if bases[image.Base] == nil {
			bases[image.Base] = sync.OnceValues(func() (compile.Base, error) { return p.base(ctx, image) })
		}
		images[placed{source: image, platform: p.platform}.name()] = sync.OnceValues(func() (assembly, error) {
			on, err := start()
			if err != nil {
				return assembly{}, err
			}
			return p.steps(ctx, image, on)
		})
	}
}

// base finds out what a base is: its digest, and its config.
func (p platformAssembler) base(ctx context.Context, image *family.Image) (compile.Base, error) {
	if image.Base == family.Scratch {
		return compile.Base{}, nil
	}
	platform := p.platform
	ref, found, data, err := p.engine.ResolveImageConfig(ctx, image.Base, sourceresolver.Opt{
		LogName:  fmt.Sprintf("[%s] look up %s", image.Name, image.Base),
		ImageOpt: &sourceresolver.ResolveImageOpt{Platform: &platform},
	})
	if err != nil {
		return compile.Base{}, &BaseError{Image: image, Err: err}
	}
	base := compile.Base{Reference: pinned(ref, found)}
	if err := json.Unmarshal(data, &base.Config); err != nil {
		return compile.Base{}, &BaseError{Image: image, Err: fmt.Errorf("reading its config: %w", err)}
	}
	if got := platforms.Normalize(base.Config.Platform); !platforms.OnlyStrict(platform).Match(got) {
		return compile.Base{}, &BaseError{Image: image, Err: fmt.Errorf("it is for %s, not for %s", platforms.Format(got), platforms.Format(platform))}
	}
	return base, nil
}

func (p platformAssembler) start(image *family.Image, base compile.Base) assembly {
	root := compile.New(image, base, compile.Options{
		SpecFile: p.family.Spec.Filename,
		Platform: p.platform,
		Created:  p.opts.Created,
		NoCache:  p.opts.NoCache,
	})
	if base.Reference == "" {
		return assembly{image: root, tree: layer.Empty{}}
	}
	return assembly{image: root, tree: newEngineTree(p.engine, root)}
}

// steps adds an image's own steps to what it stands on.
func (p platformAssembler) steps(ctx context.Context, image *family.Image, on assembly) (assembly, error) {
	for at := range image.Steps {
		next, err := p.step(ctx, on, image, at)
		if err != nil {
			return assembly{}, &StepError{Image: image, At: at, Err: err}
		}
		on = next
	}
	return on, nil
}

// check says whether an image has what it needs besides its steps.
func check(ctx context.Context, image *family.Image, tree layer.Tree) error {
	for _, need := range image.Needs {
		found := false
		for _, path := range need.Paths {
			info, err := layer.Find(ctx, tree, path)
			if err != nil {
				return fmt.Errorf("looking for %s in %s: %w", path, image.Name, err)
			}
			found = found || info != nil
		}
		if !found {
			return &NeedError{Image: image, Need: need}
		}
	}
	return nil
}

func (p platformAssembler) step(ctx context.Context, on assembly, image *family.Image, at int) (assembly, error) {
	name := compile.StepName(image, at)
	switch s := image.Steps[at].(type) {
	case family.Fetch:
		fetched, err := fetch(ctx, p.engine, on.image)
		if err != nil {
			return assembly{}, err
		}
		return p.files(ctx, on, name, []family.File{{Path: s.Path, Mode: s.Mode, Content: fetched}})
	case family.Files:
		return p.files(ctx, on, name, s.Files)
	}
	next, err := on.image.AddCommand()
	return assembly{image: next, tree: newEngineTree(p.engine, next)}, err
}

// files adds a layer of files.
func (p platformAssembler) files(ctx context.Context, on assembly, name string, files []family.File) (assembly, error) {
	started := time.Now()
	entries, err := layer.Entries(ctx, on.tree, forPlatform(files, p.platform))
	if err != nil {
		return assembly{}, err
	}
	made, err := p.opts.Layers.Add(entries, p.opts.Created, p.platform)
	if err != nil {
		return assembly{}, err
	}
	p.announce(name, started, made.Known)
	return assembly{image: on.image.AddLayer(made), tree: layer.Over(on.tree, entries)}, nil
}

// pinned adds the digest to a reference that has none.
func pinned(ref string, found digest.Digest) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil || found == "" {
		return ref
	}
	if _, ok := named.(reference.Digested); ok {
		return ref
	}
	return ref + "@" + found.String()
}
