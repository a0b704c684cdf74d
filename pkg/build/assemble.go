package build

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/pkg/family"
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
	image    llb.Image
	tree     layer.Tree
	head     int
}

// An assembler finds out what the images of a family consist of.
type assembler struct {
	family   *family.Family
	opts     Options
	engine   gateway.Client
	trees    *treeCache
	announce func(name string, since time.Time, cached bool) // shows a step that is not the engine's
}

// plan asks the engine what has to be known of the bases and file trees, and plans the images of all platforms.
func (a assembler) plan(ctx context.Context) (plan, error) {
	var images []placed
	assemblies := map[string]func() (assembly, error){}
	group, until := errgroup.WithContext(ctx) // the context ends with the group
	for _, platform := range a.opts.Platforms {
		p := platformAssembler{assembler: a, platform: platform, fetched: map[string]func() (fetched, error){}}
		p.fetchAll(until, group)
		p.prepare(until, assemblies)
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
	if err := a.trees.save(); err != nil {
		return plan{}, err
	}
	return withHeads(ctx, images)
}

// withHeads finds the heads of images, each once.
func withHeads(ctx context.Context, images []placed) (plan, error) {
	p := plan{images: images}
	known := map[*llb.Head]int{}
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

// check says whether an image has what it needs besides its steps.
func check(ctx context.Context, image *family.Image, tree layer.Tree) error {
	for _, need := range image.Needs {
		met, err := meets(ctx, tree, need)
		if err != nil {
			return fmt.Errorf("looking into %s: %w", image.Name, err)
		}
		if !met {
			return &NeedError{Image: image, Need: need}
		}
	}
	return nil
}

// meets says whether a tree has one of the paths of a need.
func meets(ctx context.Context, tree layer.Tree, need family.Need) (bool, error) {
	for _, path := range need.Paths {
		info, err := layer.Find(ctx, tree, path)
		if err != nil {
			return false, fmt.Errorf("looking for %s: %w", path, err)
		}
		if info != nil {
			return true, nil
		}
	}
	return false, nil
}
