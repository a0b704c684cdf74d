package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/internal/outside"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// An imageState is an image with the steps that were added to it so far, and the resulting file tree.
type imageState struct {
	image llb.Image
	tree  layer.Tree
	// hollow is set when a step was done in an earlier build, and nobody has or needs what it made.
	hollow bool
}

// A platformPlanner plans the images for one platform.
type platformPlanner struct {
	planner
	platform ocispec.Platform
	fetched  map[string]func() (fetched, error)    // by the names of the steps
	states   map[string]func() (imageState, error) // by the names of platformImages
	bases    map[string]func() (llb.Base, error)   // by reference and platform
}

// fetchAll begins to fetch the files of all Fetch steps, which depend on nothing. When a fetch fails, its step reports the error later.
func (p platformPlanner) fetchAll(ctx context.Context, group *errgroup.Group) {
	for _, image := range p.family.Images {
		for at, step := range image.Steps {
			if _, ok := step.(family.Fetch); !ok {
				continue
			}
			file := sync.OnceValues(func() (fetched, error) {
				if p.forecast != nil {
					content, err := p.opts.fetch(ctx, image, at)
					return fetched(content), err
				}
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

// options are those with which the family is compiled for the platform.
func (p platformPlanner) options() llb.Options { return p.opts.compileOptions(p.family, p.platform) }

// prepare adds a function for each image, which returns its state with all steps. It works once, however often it is called.
func (p platformPlanner) prepare(ctx context.Context) {
	for _, image := range p.family.Images {
		p.prepareBases(ctx, image)
		start := func() (imageState, error) {
			base, err := p.base(image, nil)
			if err != nil {
				return imageState{}, err
			}
			return p.start(ctx, image, base)
		}
		if image.Parent != nil {
			parent := p.state(image.Parent)
			start = func() (imageState, error) {
				state, err := parent()
				if err != nil {
					return imageState{}, err
				}
				state.image, err = state.image.Child(image)
				return state, err
			}
		}
		p.states[p.name(image)] = sync.OnceValues(func() (imageState, error) {
			state, err := start()
			if err != nil {
				return imageState{}, err
			}
			return p.steps(ctx, image, state)
		})
	}
}

// name is that of the platformImage of an image.
func (p platformPlanner) name(image *family.Image) string {
	return platformImage{source: image, platform: p.platform}.name()
}

// state returns the function that returns an image's state.
func (p platformPlanner) state(image *family.Image) func() (imageState, error) {
	return p.states[p.name(image)]
}

// runsOn returns the platform that an image's base is for.
func (p platformPlanner) runsOn(image *family.Image) ocispec.Platform {
	return p.options().RunsOn(image)
}

// prepareBases adds a function for each image from outside that an image is based on or takes files from. It looks the image up once.
func (p platformPlanner) prepareBases(ctx context.Context, image *family.Image) {
	add := func(source *family.ImageSource, reference string, platform ocispec.Platform) {
		key := forecast.NameFor(reference, platform)
		if p.bases[key] != nil {
			return
		}
		p.bases[key] = sync.OnceValues(func() (llb.Base, error) {
			base, err := p.foreseenOr(reference, platform, func() (llb.Base, error) {
				return p.lookUp(ctx, image, source, reference, platform)
			})
			if err != nil {
				return base, err
			}
			return base, checkLayers(p.family, reference, base) // before any command runs on it
		})
	}
	if image.Parent == nil && image.Base != family.Scratch {
		add(nil, image.Base, p.runsOn(image))
	}
	for _, source := range image.Sources() {
		if source.Image == nil {
			add(&source, source.Reference, p.runsOn(image))
		}
	}
}

// base returns an image from outside: that of a source or, without one, that which an image is based on.
func (p platformPlanner) base(image *family.Image, source *family.ImageSource) (llb.Base, error) {
	reference := image.Base
	if source != nil {
		reference = source.Reference
	}
	if reference == family.Scratch {
		return llb.Base{}, nil
	}
	base, err := p.bases[forecast.NameFor(reference, p.runsOn(image))]()
	var other *BaseError
	if errors.As(err, &other) {
		err = &BaseError{Image: image, Source: source, Err: other.Err}
	}
	return base, err
}

// lookUp asks the engine for the digest and the config of an image from outside.
func (p platformPlanner) lookUp(ctx context.Context, image *family.Image, source *family.ImageSource, ref string, platform ocispec.Platform) (llb.Base, error) {
	sources, err := p.opts.sources(ctx, ref)
	if err != nil {
		return llb.Base{}, &BaseError{Image: image, Source: source, Err: err}
	}
	base, err := p.lookUpAt(ctx, image, ref, platform, sources)
	if err != nil {
		return llb.Base{}, &BaseError{Image: image, Source: source, Err: err}
	}
	if got := platforms.Normalize(base.Config.Platform); !platforms.OnlyStrict(platform).Match(got) {
		return llb.Base{}, &BaseError{Image: image, Source: source, Err: fmt.Errorf("it is for %s, not for %s", platforms.Format(got), platforms.Format(platform))}
	}
	return base, nil
}

// lookUpAt does so at one source after the other until one of them has it.
func (p platformPlanner) lookUpAt(ctx context.Context, image *family.Image, reference string, platform ocispec.Platform, sources []string) (llb.Base, error) {
	var failed SourcesError
	for _, source := range sources {
		ref, found, data, err := p.engine.ResolveImageConfig(ctx, source, sourceresolver.Opt{
			LogName:  fmt.Sprintf("[%s] look up %s", image.Name, source),
			ImageOpt: &sourceresolver.ResolveImageOpt{Platform: &platform},
		})
		if err == nil {
			base := llb.Base{Reference: outside.Pinned(ref, found)}
			if err := json.Unmarshal(data, &base.Config); err != nil {
				return llb.Base{}, fmt.Errorf("reading its config: %w", err)
			}
			return base, nil
		}
		if ctx.Err() != nil || source == reference && len(sources) == 1 {
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
	if p.engine == nil {
		return imageState{image: root, tree: p.treeOf(image, root)}, nil
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
		next, ok, err := p.known(ctx, state, image, at)
		if err != nil {
			return imageState{}, &StepError{Image: image, At: at, Err: err}
		}
		if ok {
			state = next
			continue
		}
		contents, err := p.contents(image, at)
		if err != nil {
			return imageState{}, err // it is about another image
		}
		state, err = p.step(ctx, state, image, at, contents)
		var config *llb.ConfigError
		if errors.As(err, &config) {
			return imageState{}, err // it knows its place
		}
		if err != nil {
			return imageState{}, &StepError{Image: image, At: at, Err: err}
		}
	}
	return state, nil
}

func (p platformPlanner) step(ctx context.Context, state imageState, image *family.Image, at int, contents []llb.Content) (imageState, error) {
	name := llb.StepName(image, at)
	switch s := image.Steps[at].(type) {
	case family.Fetch:
		fetched, err := p.fetched[name]()
		if err != nil {
			return imageState{}, err
		}
		return p.files(ctx, state, name, family.Files{Files: []family.File{{Path: s.Path, Mode: s.Mode, Content: fetched}}})
	case family.Files:
		if len(s.Copies) > 0 {
			return p.copies(ctx, state, image, at, contents)
		}
		return p.files(ctx, state, name, s)
	case family.Directories:
		return p.directories(ctx, state, name, s)
	case family.Env:
		next, err := state.image.AddEnv()
		return imageState{image: next, tree: state.tree}, err
	case family.Run:
		if err := p.mountFolders(ctx, state, s, contents); err != nil {
			return imageState{}, err
		}
	}
	if p.engine == nil {
		return imageState{}, errNeedsEngine
	}
	next, err := state.image.Again(p.again(image, at)).AddCommand(contents...)
	return imageState{image: next, tree: p.treeOf(image, next)}, err
}

func (p platformPlanner) layerOptions() layer.Options {
	return layer.Options{ModTime: p.opts.Created, Platform: p.platform, ReadAll: p.opts.NoCache}
}

// files adds a layer of files.
func (p platformPlanner) files(ctx context.Context, state imageState, name string, step family.Files) (imageState, error) {
	files, err := forPlatform(ctx, step.Files, p.platform, newAccounts(state.tree))
	if err != nil {
		return imageState{}, err
	}
	entries, err := layer.Entries(ctx, state.tree, files)
	if err != nil {
		return imageState{}, err
	}
	if err := checkReserved(ctx, state.tree, step, entries); err != nil {
		return imageState{}, err
	}
	return p.add(ctx, state, name, entries)
}

// directories adds a layer of directories.
func (p platformPlanner) directories(ctx context.Context, state imageState, name string, step family.Directories) (imageState, error) {
	accounts := newAccounts(state.tree)
	dirs := make([]layer.Directory, len(step.Dirs))
	for i, d := range step.Dirs {
		dirs[i].Path = d.Path
		if d.Mode != 0 {
			dirs[i].Mode = &d.Mode
		}
		if d.Owner != "" {
			owner, err := accounts.numbers(ctx, d.Owner)
			if err != nil {
				return imageState{}, err
			}
			dirs[i].Owner = &owner
		}
	}
	entries, err := layer.Directories(ctx, state.tree, dirs)
	if err != nil {
		return imageState{}, err
	}
	if err := checkReserved(ctx, state.tree, family.Files{}, entries); err != nil {
		return imageState{}, err
	}
	return p.add(ctx, state, name, entries)
}

// add adds a layer with the entries.
func (p platformPlanner) add(ctx context.Context, state imageState, name string, entries []layer.Entry) (imageState, error) {
	started := time.Now() // not before: the time to wait for the tree below is not the time of this step
	made, err := p.opts.layers.Add(ctx, entries, p.layerOptions())
	if err != nil {
		return imageState{}, err
	}
	p.announce(name, started, made.Known)
	return imageState{image: state.image.AddLayer(made), tree: layer.Overlay(state.tree, entries)}, nil
}
