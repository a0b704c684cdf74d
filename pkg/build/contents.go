package build

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// contents returns the file systems that a step takes files from: one for each copy or mount, or a zero value where that is no image.
func (p platformPlanner) contents(image *family.Image, at int) ([]llb.Content, error) {
	sources := family.SourcesOf(image.Steps[at])
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
	if p.engine == nil {
		next, err := p.copiesListed(ctx, state, image, at, contents)
		p.announce(llb.StepName(image, at), started, false)
		return next, err
	}
	record, err := p.stepRecord(ctx, state, image, at, contents)
	if err != nil {
		return imageState{}, err
	}
	if made, ok, err := p.recorded(ctx, record); ok || err != nil {
		p.announce(llb.StepName(image, at), started, true)
		return imageState{image: state.image.AddLayer(made), tree: &lazyTree{load: func(ctx context.Context) (layer.Tree, error) {
			next, err := p.copiesListed(ctx, state, image, at, contents)
			return next.tree, err
		}}}, err
	}
	next, err := p.copiesListed(ctx, state, image, at, contents)
	if err != nil {
		return imageState{}, err
	}
	layers := next.image.AppendedLayers()
	made := layers[len(layers)-1]
	p.announce(llb.StepName(image, at), started, made.Known)
	return next, p.taken.writeLayer(record, made)
}

// copiesListed does so with a list of the files, which for many takes longer than everything else of a build in which nothing changed.
func (p platformPlanner) copiesListed(ctx context.Context, state imageState, image *family.Image, at int, contents []llb.Content) (imageState, error) {
	made, err := p.take(ctx, state, image, at, contents)
	if err != nil {
		return imageState{}, err
	}
	if err := checkReserved(ctx, state.tree, family.Files{}, made.Entries); err != nil {
		return imageState{}, err
	}
	next := imageState{image: state.image.AddLayer(made), tree: layer.Overlay(state.tree, made.Entries)}
	if slices.ContainsFunc(made.Entries, func(e layer.Entry) bool { return e.Path == passwdFile || e.Path == groupFile }) {
		next.tree = p.treeOf(image, next.image) // owners are looked up there, and the content is with the engine
	}
	return next, nil
}

// stepRecord returns the file of the record of the layer that a step makes of files of images; empty if the step also brings files of the folder,
// whose contents would have to be known. Everything that decides the layer is in its name.
func (p platformPlanner) stepRecord(ctx context.Context, state imageState, image *family.Image, at int, contents []llb.Content) (string, error) {
	step := image.Steps[at].(family.Files)
	if len(step.Files) > 0 {
		return "", nil
	}
	below, err := state.image.Root(ctx)
	if err != nil {
		return "", err
	}
	parts := [][]byte{[]byte("layer of a step"), strconv.AppendInt(nil, p.opts.Created.UnixNano(), 10)}
	for i, c := range step.Copies {
		def, err := contents[i].Definition(ctx)
		if err != nil {
			return "", err
		}
		c.Source, c.At = family.ImageSource{}, spec.Range{}
		data, err := json.Marshal(c)
		if err != nil {
			return "", err
		}
		parts = append(append(parts, data, strconv.AppendInt(nil, int64(len(def.Def)), 10)), def.Def...)
	}
	return recordFile(p.taken.dir, p.taken.policy, below, parts...), nil
}

// recorded returns the layer of a record, if there is one and the store has the layer.
func (p platformPlanner) recorded(ctx context.Context, record string) (layer.Layer, bool, error) {
	diffID, ok := p.taken.readLayer(record)
	if !ok {
		return layer.Layer{}, false, nil
	}
	return p.opts.layers.ByDiffID(ctx, diffID, p.layerOptions())
}

// A lazyTree is a tree that is found out when somebody asks.
type lazyTree struct {
	load func(context.Context) (layer.Tree, error)

	once sync.Once
	tree layer.Tree
	err  error
}

func (t *lazyTree) get(ctx context.Context) (layer.Tree, error) {
	t.once.Do(func() { t.tree, t.err = t.load(ctx) })
	return t.tree, t.err
}

// Lstat implements layer.Tree.
func (t *lazyTree) Lstat(ctx context.Context, path string) (*layer.Info, error) {
	tree, err := t.get(ctx)
	if err != nil {
		return nil, err
	}
	return tree.Lstat(ctx, path)
}

// ReadFile implements layer.Reader.
func (t *lazyTree) ReadFile(ctx context.Context, path string, limit int64) ([]byte, error) {
	tree, err := t.get(ctx)
	if err != nil {
		return nil, err
	}
	return layer.ReadFile(ctx, tree, path, limit)
}

// Prefetch implements layer.Prefetcher.
func (t *lazyTree) Prefetch(ctx context.Context, paths []string) {
	tree, err := t.get(ctx)
	if prefetcher, ok := tree.(layer.Prefetcher); ok && err == nil {
		prefetcher.Prefetch(ctx, paths)
	}
}
