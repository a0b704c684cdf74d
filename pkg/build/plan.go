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

	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// A plan is what a build makes: targets, which the engine solves, and images on top of them.
type plan struct {
	targets []target
	images  []platformImage  // in build order, the platforms of an image side by side
	checks  []*pb.Definition // of images that are built for what their commands do
}

// A target is an llb.SolveTarget for one platform, which one or several images are based on.
type target struct {
	id       string
	platform ocispec.Platform
	config   []byte
	def      *pb.Definition
}

// A platformImage is an image for one platform.
type platformImage struct {
	source   *family.Image
	platform ocispec.Platform
	image    llb.Image
	tree     layer.Tree
	target   int            // index in the targets of the plan; -1 if the engine has to make nothing of it
	base     *forecast.Base // from outside, if there is a forecast and a base
}

// name names an image for one platform.
func (p platformImage) name() string { return forecast.NameFor(p.source.Name, p.platform) }

// A planner finds out what the images of a family consist of.
type planner struct {
	family   *family.Family
	opts     settings
	forecast *forecast.Forecast // nil if there is none: then the engine is asked about everything
	engine   gateway.Client     // nil if none is needed
	trees    *treeCache
	taken    *takenCache
	taker    taker
	announce func(name string, since time.Time, cached bool) // shows a step that is not the engine's
}

// plan finds out what has to be known of the bases and file trees, and plans the images of all platforms.
func (p planner) plan(ctx context.Context) (plan, error) {
	states := map[string]func() (imageState, error){} // by the names of platformImages
	bases := map[string]func() (llb.Base, error){}
	group, groupCtx := errgroup.WithContext(ctx)
	for i, platform := range p.opts.Platforms {
		pp := platformPlanner{planner: p, platform: platform, fetched: map[string]func() (fetched, error){}, states: states, bases: bases}
		pp.family = p.opts.families[i]
		pp.fetchAll(groupCtx, group)
		pp.prepare(groupCtx)
	}
	images := p.platformImages((*family.Family).Published)
	checks := p.platformImages((*family.Family).Unused)
	for _, list := range [][]platformImage{images, checks} {
		for i := range list {
			group.Go(func() error {
				state, err := states[list[i].name()]()
				list[i].image, list[i].tree = state.image, state.tree
				if seen := p.foreseen(list[i].source, list[i].platform); seen != nil {
					list[i].base = seen.Base
				}
				return err
			})
		}
	}
	if err := group.Wait(); err != nil {
		return plan{}, err
	}
	for _, image := range images {
		if err := p.check(ctx, image); err != nil {
			return plan{}, err
		}
	}
	if err := p.trees.save(); err != nil {
		return plan{}, err
	}
	out, err := withTargets(ctx, images, p.forecast != nil)
	if err != nil {
		return plan{}, err
	}
	for _, image := range checks {
		if !p.runs(image) {
			continue
		}
		def, err := image.image.Root(ctx)
		if err != nil {
			return plan{}, err
		}
		out.checks = append(out.checks, def)
	}
	return out, nil
}

// platformImages returns images of the family for each platform, the platforms of an image side by side.
func (p planner) platformImages(of func(*family.Family) []*family.Image) []platformImage {
	var out []platformImage
	for at := range of(p.family) {
		for i, platform := range p.opts.Platforms {
			out = append(out, platformImage{source: of(p.opts.families[i])[at], platform: platform})
		}
	}
	return out
}

// withTargets returns a plan of the images with their targets. Each target is in it once, under the name of the first image that has it. A
// target without commands is nothing but a base. If the layers of bases are known, the engine has to make nothing of it.
func withTargets(ctx context.Context, images []platformImage, basesKnown bool) (plan, error) {
	p := plan{images: images}
	known := map[*llb.SolveTarget]int{} // the indexes of the targets in the plan
	for i, image := range images {
		shared := image.image.SolveTarget()
		if basesKnown && shared.IsBase() {
			p.images[i].target = -1
			continue
		}
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
			at = len(p.targets)
			known[shared] = at
			p.targets = append(p.targets, target{id: image.name(), platform: image.platform, config: config, def: def})
		}
		p.images[i].target = at
	}
	return p, nil
}

// solve returns a result whose parts are the targets, for one export. To the exporter, they are the platforms of one image: each needs no
// more than an ID and a platform. With evaluate, the engine solves all targets before solve returns. Without, it solves them later, for
// the export; then it is too late to examine what a failed command left.
func (p plan) solve(ctx context.Context, engine gateway.Client, evaluate bool) (*gateway.Result, error) {
	result := gateway.NewResult()
	var list exptypes.Platforms
	group, ctx := errgroup.WithContext(ctx)
	for _, t := range p.targets {
		list.Platforms = append(list.Platforms, exptypes.Platform{ID: t.id, Platform: t.platform})
		result.AddMeta(exptypes.ExporterImageConfigKey+"/"+t.id, t.config)
		group.Go(func() error {
			ref, err := solve(ctx, engine, t.def)
			if err == nil && evaluate && ref != nil {
				err = ref.Evaluate(ctx)
			}
			if err == nil {
				result.AddRef(t.id, ref)
			}
			return err
		})
	}
	for _, def := range p.checks {
		group.Go(func() error {
			ref, err := solve(ctx, engine, def)
			if err == nil && ref != nil {
				err = ref.Evaluate(ctx)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if len(p.targets) == 0 { // there is nothing to export
		return result, nil
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

// check returns an error when an image lacks something that its containers need.
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

// meets reports whether a tree has one of the paths of a need.
func meets(ctx context.Context, tree layer.Tree, need family.Need) (bool, error) {
	for _, path := range need.Paths {
		info, err := layer.Lookup(ctx, tree, path)
		if err != nil {
			return false, fmt.Errorf("looking for %s: %w", path, err)
		}
		if info != nil {
			return true, nil
		}
	}
	return false, nil
}
