package build

import (
	"context"
	"slices"
	"time"

	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// contents returns the file systems that a step takes files from: one for each copy or mount, or a zero value where that is no image.
func (p platformPlanner) contents(image *family.Image, at int) ([]llb.Content, error) {
	var sources []*family.ImageSource
	switch s := image.Steps[at].(type) {
	case family.Files:
		for _, c := range s.Copies {
			sources = append(sources, &c.Source)
		}
	case family.Run:
		for _, m := range s.Mounts {
			sources = append(sources, m.Source)
		}
	}
	out := make([]llb.Content, len(sources))
	for i, source := range sources {
		switch {
		case source == nil:
		case source.Image != nil:
			state, err := p.state(source.Image)()
			if err != nil {
				return nil, err
			}
			out[i] = state.image.Content()
		default:
			base, err := p.base(image, source)
			if err != nil {
				return nil, err
			}
			out[i] = llb.External(image, at, base, p.options())
		}
	}
	return out, nil
}

// mountFolders adds the contents of the mounts that are of the spec's folder.
func (p platformPlanner) mountFolders(ctx context.Context, state imageState, s family.Run, contents []llb.Content) error {
	for i, m := range s.Mounts {
		if m.Files == nil {
			continue
		}
		entries, err := layer.Entries(ctx, layer.Empty{}, rootFiles(m.Files, p.platform))
		if err != nil {
			return err
		}
		made, err := p.opts.layers.Add(ctx, entries, p.layerOptions())
		if err != nil {
			return err
		}
		contents[i] = state.image.OfLayer(made)
	}
	return nil
}

// copies adds a layer of files, some of which are those of images.
func (p platformPlanner) copies(ctx context.Context, state imageState, image *family.Image, at int, contents []llb.Content) (imageState, error) {
	started := time.Now()
	made, err := p.take(ctx, state, image, at, contents)
	if err != nil {
		return imageState{}, err
	}
	if err := checkReserved(ctx, state.tree, family.Files{}, made.Entries); err != nil {
		return imageState{}, err
	}
	p.announce(llb.StepName(image, at), started, made.Known)
	next := imageState{image: state.image.AddLayer(made), tree: layer.Overlay(state.tree, made.Entries)}
	if slices.ContainsFunc(made.Entries, func(e layer.Entry) bool { return e.Path == passwdFile || e.Path == groupFile }) {
		next.tree = newEngineTree(p.engine, next.image) // owners are looked up there, and the content is with the engine
	}
	return next, nil
}
