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

// An assembly is an image with all its steps, and the file tree that they result in.
type assembly struct {
	image llb.Image
	tree  layer.Tree
}

// A platformAssembler puts the images together for one platform.
type platformAssembler struct {
	assembler
	platform ocispec.Platform
	fetched  map[string]func() (fetched, error) // by the names of the steps
}

// fetchAll begins to fetch the files of all Fetch steps, since they depend on nothing. A failure is the step's, when its turn comes.
func (p platformAssembler) fetchAll(ctx context.Context, group *errgroup.Group) {
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

func (p platformAssembler) options() llb.Options {
	return llb.Options{
		SpecFile: p.family.Spec.Filename,
		Platform: p.platform,
		Created:  p.opts.Created,
		NoCache:  p.opts.NoCache,
	}
}

// prepare adds a function for each image that puts it together once, however often it is called.
func (p platformAssembler) prepare(ctx context.Context, images map[string]func() (assembly, error)) {
	bases := map[string]func() (llb.Base, error){}
	for _, image := range p.family.Images {
		start := func() (assembly, error) {
			base, err := bases[image.Base]()
			if err != nil {
				return assembly{}, err
			}
			return p.start(ctx, image, base)
		}
		if image.Parent != nil {
			parent := images[placed{source: image.Parent, platform: p.platform}.name()]
			start = func() (assembly, error) {
				on, err := parent()
				if err != nil {
					return assembly{}, err
				}
				on.image, err = on.image.Child(image)
				return on, err
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
func (p platformAssembler) base(ctx context.Context, image *family.Image) (llb.Base, error) {
	if image.Base == family.Scratch {
		return llb.Base{}, nil
	}
	platform := p.platform
	ref, found, data, err := p.engine.ResolveImageConfig(ctx, image.Base, sourceresolver.Opt{
		LogName:  fmt.Sprintf("[%s] look up %s", image.Name, image.Base),
		ImageOpt: &sourceresolver.ResolveImageOpt{Platform: &platform},
	})
	if err != nil {
		return llb.Base{}, &BaseError{Image: image, Err: err}
	}
	base := llb.Base{Reference: pinned(ref, found)}
	if err := json.Unmarshal(data, &base.Config); err != nil {
		return llb.Base{}, &BaseError{Image: image, Err: fmt.Errorf("reading its config: %w", err)}
	}
	if got := platforms.Normalize(base.Config.Platform); !platforms.OnlyStrict(platform).Match(got) {
		return llb.Base{}, &BaseError{Image: image, Err: fmt.Errorf("it is for %s, not for %s", platforms.Format(got), platforms.Format(platform))}
	}
	return base, nil
}

func (p platformAssembler) start(ctx context.Context, image *family.Image, base llb.Base) (assembly, error) {
	root, err := llb.New(image, base, p.options())
	if err != nil {
		return assembly{}, err
	}
	if base.Reference == "" {
		return assembly{image: root, tree: layer.Empty{}}, nil
	}
	def, err := root.Root(ctx)
	if err != nil {
		return assembly{}, err
	}
	tree := newEngineTree(p.engine, root)
	p.trees.add(tree, base.Reference, def)
	return assembly{image: root, tree: tree}, nil
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

func (p platformAssembler) step(ctx context.Context, on assembly, image *family.Image, at int) (assembly, error) {
	name := llb.StepName(image, at)
	switch s := image.Steps[at].(type) {
	case family.Fetch:
		fetched, err := p.fetched[name]()
		if err != nil {
			return assembly{}, err
		}
		return p.files(ctx, on, name, family.Files{Files: []family.File{{Path: s.Path, Mode: s.Mode, Content: fetched}}})
	case family.Files:
		return p.files(ctx, on, name, s)
	}
	next, err := on.image.AddCommand()
	return assembly{image: next, tree: newEngineTree(p.engine, next)}, err
}

// files adds a layer of files.
func (p platformAssembler) files(ctx context.Context, on assembly, name string, step family.Files) (assembly, error) {
	entries, err := layer.Entries(ctx, on.tree, forPlatform(step.Files, p.platform))
	if err != nil {
		return assembly{}, err
	}
	if err := checkReserved(ctx, on.tree, step, entries); err != nil {
		return assembly{}, err
	}
	started := time.Now() // to wait for what is below is not this step's time
	made, err := p.opts.Layers.Add(ctx, entries, layer.Options{ModTime: p.opts.Created, Platform: p.platform, ReadAll: p.opts.NoCache})
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
