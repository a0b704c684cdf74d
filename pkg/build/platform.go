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
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// An imageState is an image with the steps that were added to it so far, and the resulting file tree.
type imageState struct {
	image llb.Image
	tree  layer.Tree
}

// A platformPlanner plans the images for one platform.
type platformPlanner struct {
	planner
	platform ocispec.Platform
	fetched  map[string]func() (fetched, error) // by the names of the steps
}

// fetchAll begins to fetch the files of all Fetch steps, which depend on nothing. When a fetch fails, its step reports the error later.
func (p platformPlanner) fetchAll(ctx context.Context, group *errgroup.Group) {
	for _, image := range p.family.Images {
		for at, step := range image.Steps {
			if _, ok := step.(family.Fetch); !ok {
				continue
			}
			file := sync.OnceValues(func() (fetched, error) {
				def, err := llb.Fetch(ctx, image, at, p.options())
				if err != nil {
					return "", err
				}
				return fetch(ctx, p.engine, def)
			})
			p.fetched[llb.StepName(image, at)] = file
			group.Go(func() error {
				_, _ = file()
				return nil
			})
		}
	}
}

func (p platformPlanner) options() llb.Options {
	return llb.Options{
		SpecFile: p.family.Spec.Filename,
		Platform: p.platform,
		Created:  p.opts.Created,
		NoCache:  p.opts.NoCache,
		Trusting: len(p.opts.trusted) > 0,
		Proxies:  llb.Proxies(p.opts.Proxies),
	}
}

// prepare adds a function for each image, which returns its state with all steps. It works once, however often it is called.
func (p platformPlanner) prepare(ctx context.Context, images map[string]func() (imageState, error)) {
	bases := map[string]func() (llb.Base, error){}
	for _, image := range p.family.Images {
		start := func() (imageState, error) {
			base, err := bases[image.Base]()
			if err != nil {
				return imageState{}, err
			}
			return p.start(ctx, image, base)
		}
		if image.Parent != nil {
			parent := images[platformImage{source: image.Parent, platform: p.platform}.name()]
			start = func() (imageState, error) {
				state, err := parent()
				if err != nil {
					return imageState{}, err
				}
				state.image, err = state.image.Child(image)
				return state, err
			}
		} else if bases[image.Base] == nil {
			bases[image.Base] = sync.OnceValues(func() (llb.Base, error) {
				base, err := p.base(ctx, image)
				if err != nil {
					return base, err
				}
				return base, checkLayers(p.family, image.Base, base) // before any command runs on it
			})
		}
		images[platformImage{source: image, platform: p.platform}.name()] = sync.OnceValues(func() (imageState, error) {
			state, err := start()
			if err != nil {
				return imageState{}, err
			}
			return p.steps(ctx, image, state)
		})
	}
}

// base asks the engine for the digest and the config of a base.
func (p platformPlanner) base(ctx context.Context, image *family.Image) (llb.Base, error) {
	if image.Base == family.Scratch {
		return llb.Base{}, nil
	}
	sources, err := p.opts.sources(ctx, image.Base)
	if err != nil {
		return llb.Base{}, &BaseError{Image: image, Err: err}
	}
	base, err := p.lookUp(ctx, image, sources)
	if err != nil {
		return llb.Base{}, &BaseError{Image: image, Err: err}
	}
	if got := platforms.Normalize(base.Config.Platform); !platforms.OnlyStrict(p.platform).Match(got) {
		return llb.Base{}, &BaseError{Image: image, Err: fmt.Errorf("it is for %s, not for %s", platforms.Format(got), platforms.Format(p.platform))}
	}
	return base, nil
}

// lookUp asks the engine for the digest and the config of a base, at one source after the other until one of them has it.
func (p platformPlanner) lookUp(ctx context.Context, image *family.Image, sources []string) (llb.Base, error) {
	var failed SourcesError
	for _, source := range sources {
		ref, found, data, err := p.engine.ResolveImageConfig(ctx, source, sourceresolver.Opt{
			LogName:  fmt.Sprintf("[%s] look up %s", image.Name, source),
			ImageOpt: &sourceresolver.ResolveImageOpt{Platform: &p.platform},
		})
		if err == nil {
			base := llb.Base{Reference: pinned(ref, found)}
			if err := json.Unmarshal(data, &base.Config); err != nil {
				return llb.Base{}, fmt.Errorf("reading its config: %w", err)
			}
			return base, nil
		}
		if ctx.Err() != nil || source == image.Base && len(sources) == 1 {
			return llb.Base{}, err
		}
		failed.Sources, failed.Errs = append(failed.Sources, source), append(failed.Errs, err)
	}
	return llb.Base{}, &failed
}

// start returns the state of an image on a base from outside, before its first step.
func (p platformPlanner) start(ctx context.Context, image *family.Image, base llb.Base) (imageState, error) {
	root, err := llb.New(image, base, p.options())
	if err != nil {
		return imageState{}, err
	}
	if base.Reference == "" {
		return imageState{image: root, tree: layer.Empty{}}, nil
	}
	def, err := root.Root(ctx)
	if err != nil {
		return imageState{}, err
	}
	tree := newEngineTree(p.engine, root)
	p.trees.add(tree, base.Reference, def)
	return imageState{image: root, tree: tree}, nil
}

// steps adds an image's own steps to what it is based on.
func (p platformPlanner) steps(ctx context.Context, image *family.Image, state imageState) (imageState, error) {
	for at := range image.Steps {
		next, err := p.step(ctx, state, image, at)
		if err != nil {
			return imageState{}, &StepError{Image: image, At: at, Err: err}
		}
		state = next
	}
	return state, nil
}

func (p platformPlanner) step(ctx context.Context, state imageState, image *family.Image, at int) (imageState, error) {
	name := llb.StepName(image, at)
	switch s := image.Steps[at].(type) {
	case family.Fetch:
		fetched, err := p.fetched[name]()
		if err != nil {
			return imageState{}, err
		}
		return p.files(ctx, state, name, family.Files{Files: []family.File{{Path: s.Path, Mode: s.Mode, Content: fetched}}})
	case family.Files:
		return p.files(ctx, state, name, s)
	}
	next, err := state.image.AddCommand()
	return imageState{image: next, tree: newEngineTree(p.engine, next)}, err
}

// files adds a layer of files.
func (p platformPlanner) files(ctx context.Context, state imageState, name string, step family.Files) (imageState, error) {
	entries, err := layer.Entries(ctx, state.tree, forPlatform(step.Files, p.platform))
	if err != nil {
		return imageState{}, err
	}
	if err := checkReserved(ctx, state.tree, step, entries); err != nil {
		return imageState{}, err
	}
	started := time.Now() // not before: the time to wait for the tree below is not the time of this step
	made, err := p.opts.layers.Add(ctx, entries, layer.Options{ModTime: p.opts.Created, Platform: p.platform, ReadAll: p.opts.NoCache})
	if err != nil {
		return imageState{}, err
	}
	p.announce(name, started, made.Known)
	return imageState{image: state.image.AddLayer(made), tree: layer.Overlay(state.tree, entries)}, nil
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
