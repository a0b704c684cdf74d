package build

import (
	"context"
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/key"
	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/internal/record"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// errNeedsEngine reports that something was planned without an engine that needs one: the forecast was wrong.
var errNeedsEngine = errors.New("this needs an engine, which the build did not expect")

// foreseen returns what the forecast says of an image; nil if there is no forecast.
func (p planner) foreseen(image *family.Image, platform ocispec.Platform) *forecast.Image {
	if p.forecast == nil {
		return nil
	}
	return p.forecast.Image(image, platform)
}

// foreseenOr returns an image from outside as the forecast has it or, without a forecast, what a function returns.
func (p planner) foreseenOr(reference string, platform ocispec.Platform, otherwise func() (llb.Base, error)) (llb.Base, error) {
	if p.forecast == nil {
		return otherwise()
	}
	base := p.forecast.Base(reference, platform)
	if base == nil {
		return llb.Base{}, fmt.Errorf("the forecast has no %s", reference)
	}
	return llb.Base{Reference: base.Reference, Config: base.Config}, nil
}

// again returns what tells a run of a command from those before, which the engine may know. It is empty for the first one. Without a forecast,
// nobody knows how old what the engine has is.
func (p platformPlanner) again(image *family.Image, at int) string {
	seen := p.foreseen(image, p.platform)
	if seen == nil {
		if step := image.Steps[at]; family.UsesNetwork(step) && (p.opts.Refresh || family.RefreshOf(step).Bound() > 0) {
			return p.opts.again
		}
		return ""
	}
	return p.opts.againOf(seen.Steps[at])
}

// againOf returns what tells the run of a step from those before: what this build does, or what an earlier one did.
func (s settings) againOf(step forecast.Step) string {
	switch {
	case step.Fresh:
		return s.again
	case step.Record != nil:
		return step.Record.Again
	}
	return ""
}

// runs reports whether a command of an image runs, as far as the forecast knows.
func (p planner) runs(image platformImage) bool {
	seen := p.foreseen(image.source, image.platform)
	return seen == nil || seen.NeedsEngine()
}

// known adds a step whose result is known. It reports false when there is something to do for the step. Of a command whose layer nobody has, and
// nobody wants, only the configuration goes on: the image and all that is based on it are hollow.
func (p platformPlanner) known(ctx context.Context, state imageState, image *family.Image, at int) (imageState, bool, error) {
	seen := p.foreseen(image, p.platform)
	if seen == nil || !seen.Steps[at].Makes {
		return state, false, nil
	}
	step := seen.Steps[at]
	if state.hollow || step.State == forecast.Same && !p.opts.holds(ctx, *step.Record) {
		return imageState{image: state.image.Skip(), tree: state.tree, hollow: true}, true, nil
	}
	if step.State != forecast.Same {
		return state, false, nil
	}
	next, err := p.withKnown(state.image, seen.Base, step)
	if err != nil {
		return imageState{}, false, err
	}
	return imageState{image: next, tree: p.treeOf(image, next)}, true, nil
}

// withKnown adds the layer of a known step.
//
// For an engine, what is known is one image in the store, of all layers up to this one, which it unpacks when a command runs on it. That is
// possible as long as everything below is known. A layer of files that stands on something that the engine makes itself is copied into it, as one
// that was written now.
func (p platformPlanner) withKnown(image llb.Image, base *forecast.Base, step forecast.Step) (llb.Image, error) {
	if p.engine == nil {
		return image.AddReady(layer.Ready(step.Record.Result, *step.Record.Blob)), nil
	}
	made, err := p.opts.layers.Held(step.Record.Result, *step.Record.Blob, p.platform)
	if err != nil {
		return llb.Image{}, err
	}
	if !step.Command && !image.IsKnown() {
		return image.AddLayer(made), nil
	}
	var (
		layers  []ocispec.Descriptor
		diffIDs []digest.Digest
	)
	if base != nil {
		layers, diffIDs = base.Layers, base.Config.RootFS.DiffIDs
	}
	held, err := p.opts.layers.Chain(layers, diffIDs, append(image.AppendedLayers(), made), p.platform)
	if err != nil {
		return llb.Image{}, err
	}
	return image.AddKnown(made, held), nil
}

// treeOf returns the tree of a compiled image with the steps so far.
func (p platformPlanner) treeOf(source *family.Image, image llb.Image) layer.Tree {
	if p.engine != nil {
		return newEngineTree(p.engine, image)
	}
	base := p.foreseen(source, p.platform).Base
	return &lazyTree{load: func(ctx context.Context) (layer.Tree, error) {
		return p.indexTree(ctx, layersOf(base, image.AppendedLayers()))
	}}
}

// check returns an error when an image lacks something that its containers need. It does not look again into an image that it has looked into.
func (p planner) check(ctx context.Context, image platformImage) error {
	if seen := p.foreseen(image.source, image.platform); seen != nil && seen.On != "" && !p.opts.NoCache && p.opts.looked(ctx, seen) {
		return nil
	}
	return check(ctx, image.source, image.tree)
}

// looked reports whether an earlier build has looked into an image, made on what it is made on now.
func (s settings) looked(ctx context.Context, image *forecast.Image) bool {
	check := checkOf(image, image.On)
	before, ok := s.record(ctx, image.Source, check.Key)
	return ok && before.On == check.On
}

// checkOf returns the record of a check, which says that an image, made on some results of commands, has what its containers need.
func checkOf(image *forecast.Image, on digest.Digest) record.Record {
	paths := make([][]string, len(image.Source.Needs))
	for i, need := range image.Source.Needs {
		paths[i] = need.Paths
	}
	return record.Record{Key: key.Has(image.Key, paths), On: on, Result: image.Key}
}

// holds reports whether the layer of a record is there: on this machine, or in a registry that told of it.
func (s settings) holds(ctx context.Context, r record.Record) bool {
	if r.Blob == nil {
		return false
	}
	_, told := s.lookup.place(*r.Blob)
	return told || s.layers.Holds(ctx, r.Result, *r.Blob)
}
