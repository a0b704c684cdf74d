package build

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/cachedir"
	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/pkg/engine"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// Family builds all images of a family and adds them to a layout as one build. When it fails, nothing is added. An engine of its own runs for no
// longer than the build.
func Family(ctx context.Context, f *family.Family, into *layout.Layout, opts Options) (result *Result, err error) {
	s, err := opts.settings(false)
	if err != nil {
		return nil, err
	}
	release, err := cachedir.Use(ctx, s.layers.Blobs().Root())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	s.kept = []*layout.Blobs{s.layers.Blobs(), into.Blobs()}
	b := builder{settings: s, family: f, into: into, started: time.Now()}
	if s.Engine.Address == "" {
		return b.here(ctx)
	}
	return b.elsewhere(ctx)
}

// A builder builds a family.
type builder struct {
	settings
	family  *family.Family
	into    *layout.Layout
	started time.Time
}

// here builds with an engine of its own, if it needs one.
func (b builder) here(ctx context.Context) (*Result, error) {
	var err error
	if b, err = b.on(thisPlatform()); err != nil {
		return nil, err
	}
	return b.foreseeing(ctx, func(seen *forecast.Forecast, unseen error) (*Result, error) {
		result, err := b.withEngine(ctx, func(b builder, c *client.Client) (*Result, error) { return b.onClient(ctx, c, seen) })
		return result, b.withUnseen(err, unseen)
	})
}

// foreseeing makes the forecast, and builds what needs no engine. If an engine is needed, or no forecast can be made, it does something with one.
func (b builder) foreseeing(ctx context.Context, onEngine func(seen *forecast.Forecast, unseen error) (*Result, error)) (*Result, error) {
	seen, err := b.foresee(ctx)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err == nil && !seen.NeedsEngine() {
		return b.withoutEngine(ctx, seen)
	}
	return onEngine(seen, err)
}

// withUnseen adds to the error of an engine that cannot run here why the build asked for one: perhaps it needs none, if only its base can be
// looked up.
func (b builder) withUnseen(err, unseen error) error {
	var unusable *engine.UnusableError
	if unseen != nil && errors.As(err, &unusable) {
		return errors.Join(failure(unseen, b.family, history{}), err)
	}
	return err
}

// elsewhere builds on an engine on another machine, whose platform counts.
func (b builder) elsewhere(ctx context.Context) (*Result, error) {
	return b.withEngine(ctx, func(b builder, c *client.Client) (*Result, error) {
		available, err := enginePlatforms(ctx, c)
		if err != nil {
			return nil, err
		}
		if b, err = b.on(available[0]); err != nil {
			return nil, err
		}
		return b.foreseeing(ctx, func(seen *forecast.Forecast, _ error) (*Result, error) { return b.onClient(ctx, c, seen) })
	})
}

// on returns the builder for an engine of a platform.
func (b builder) on(platform ocispec.Platform) (builder, error) {
	b.build = platform
	if len(b.Platforms) == 0 {
		b.Platforms = []ocispec.Platform{platform}
	}
	var err error
	b.families, err = forPlatforms(b.family, b.Platforms)
	return b, err
}

// withEngine does something with an engine, which runs for no longer than that.
func (b builder) withEngine(ctx context.Context, do func(builder, *client.Client) (*Result, error)) (result *Result, err error) {
	if b.BeforeEngine != nil {
		if err := b.BeforeEngine(ctx); err != nil {
			return nil, err
		}
	}
	e, err := engine.Start(ctx, b.Engine)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	if dir := e.Content(); dir != "" {
		b.engine = layout.ForeignBlobs(dir)
	}
	result, err = do(b, e.Client())
	if dead := e.Err(); err != nil && dead != nil && ctx.Err() == nil {
		return nil, dead // that the engine ended says more than what its clients noticed of it
	}
	return result, err
}

// onClient builds on the engine of a client. Without a forecast, the engine is asked about everything.
func (b builder) onClient(ctx context.Context, c *client.Client, seen *forecast.Forecast) (*Result, error) {
	available, err := enginePlatforms(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := runnable(b.family, b.Platforms, available); err != nil {
		return nil, err
	}
	foretold := b.foretell(ctx, seen)
	done, err := b.onEngine(ctx, c, seen)
	done.foretold = foretold
	if err != nil {
		_ = b.recordAll(context.WithoutCancel(ctx), seen, done.steps, nil, b.into) // why the build failed is what counts
		return nil, err
	}
	return b.finish(ctx, seen, done)
}

// foretell says what a build is about to do, for whoever wants to know afterwards. It is nil if that cannot be told: no build fails for it.
func (b builder) foretell(ctx context.Context, seen *forecast.Forecast) *Plan {
	if seen == nil {
		return nil
	}
	plan, err := b.predict(ctx, seen, false)
	if err != nil {
		return nil
	}
	return plan
}

// withoutEngine builds what needs no engine.
func (b builder) withoutEngine(ctx context.Context, seen *forecast.Forecast) (*Result, error) {
	foretold := b.foretell(ctx, seen)
	watch, err := startWatching(b.Progress, nil, b.family.Redact)
	if err != nil {
		return nil, err
	}
	run := run{family: b.family, opts: b.settings, watch: watch, forecast: seen}
	planned, err := run.planWithoutEngine(ctx)
	close(watch.updates)
	_, watchErr := watch.wait()
	if err != nil {
		return nil, run.failure(ctx, err, history{})
	}
	if watchErr != nil {
		return nil, fmt.Errorf("showing the build's progress: %w", watchErr)
	}
	return b.finish(ctx, seen, outcome{planned: planned, foretold: foretold})
}

// finish writes the images of a build, and what is known of them.
func (b builder) finish(ctx context.Context, seen *forecast.Forecast, done outcome) (*Result, error) {
	if len(b.family.Published()) == 0 {
		unrecorded := b.recordAll(ctx, seen, done.steps, nil, b.into)
		return &Result{Family: b.family.Name, Images: []Image{}, Steps: done.steps, Unrecorded: unrecorded, Duration: time.Since(b.started)}, nil
	}
	inputs, err := inputs(ctx, b.family, b.layers, b.Platforms)
	if err != nil {
		return nil, err
	}
	built, made, err := manifestWriter{into: b.into, layers: b.layers, inputs: inputs, places: placer{policy: b.SourcePolicy}, lookup: b.lookup}.write(ctx, done.response, done.planned)
	if err != nil {
		return nil, err
	}
	unrecorded := b.recordAll(ctx, seen, done.steps, made, b.into)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	same, newest := b.sameBuild(built)
	if newest {
		built = *same
	} else if built, err = b.add(ctx, seen, built, done.foretold); err != nil { // what was asked for last is the last build
		return nil, err
	}
	result, err := describe(b.into, b.family, built)
	if err != nil {
		return nil, err
	}
	result.Steps, result.Same, result.Duration, result.Plan = done.steps, same, time.Since(b.started), done.foretold
	result.Unrecorded = unrecorded
	return result, nil
}

// add adds a build to the layout.
func (b builder) add(ctx context.Context, seen *forecast.Forecast, built layout.Build, foretold *Plan) (_ layout.Build, err error) {
	if seen != nil && b.keepsRecords(b.family) {
		if built.Shared, err = b.writeShared(ctx, seen); err != nil {
			return layout.Build{}, err
		}
	}
	if foretold != nil {
		desc, err := b.into.Blobs().Write(recipeType, foretold.recipe)
		if err != nil {
			return layout.Build{}, err
		}
		built.Recipe = &desc
	}
	return b.into.Add(ctx, built)
}

// product names this program to the engine.
const product = "pulpimg"

func solveOptions(f *family.Family, into *layout.Layout, s settings) (client.SolveOpt, error) {
	var exports []client.ExportEntry
	if len(f.Published()) > 0 {
		output, err := into.Blobs().Store(s.layers.Blobs())
		if err != nil {
			return client.SolveOpt{}, err
		}
		exports = []client.ExportEntry{{
			Type:        client.ExporterOCI,
			Attrs:       map[string]string{"tar": "false", "oci-mediatypes": "true"},
			OutputStore: output,
		}}
	}
	layers, err := s.layerStore(into)
	if err != nil {
		return client.SolveOpt{}, err
	}
	return client.SolveOpt{
		Exports:   exports,
		OCIStores: map[string]content.Store{llb.LayerStore: layers},
		Session: []session.Attachable{
			newEngineCredentials(s.Keychain).attachable(),
			secretsprovider.NewSecretProvider(withCredentials(s.families, s.trusted, s.Secrets)),
		},
		SourcePolicy: allowing(s.SourcePolicy, f, s),
	}, nil
}

// layerStore returns the store from which an engine takes layers.
func (s settings) layerStore(into *layout.Layout) (content.Store, error) {
	store, err := s.layers.Blobs().Store()
	if err != nil {
		return nil, err
	}
	return baseStore{Store: store, layers: s.layers.Blobs(), into: into.Blobs(), lookup: s.lookup}, nil
}

// enginePlatforms returns what the engine can run, its own platform first.
func enginePlatforms(ctx context.Context, c *client.Client) ([]ocispec.Platform, error) {
	workers, err := c.ListWorkers(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking the engine for its platforms: %w", err)
	}
	if len(workers) == 0 || len(workers[0].Platforms) == 0 {
		return nil, fmt.Errorf("the engine has no worker that could build anything")
	}
	return workers[0].Platforms, nil
}

// runnable returns an error when a family has to run a command for a platform that the engine cannot run. Images without commands can be
// built for any platform.
func runnable(f *family.Family, wanted, available []ocispec.Platform) error {
	at := slices.IndexFunc(f.Images, func(i *family.Image) bool { return runsCommands(i) && !i.OnBuildPlatform })
	if at < 0 {
		return nil
	}
	for _, platform := range wanted {
		if !slices.ContainsFunc(available, platforms.OnlyStrict(platform).Match) {
			return &PlatformError{Image: f.Images[at].Name, Platform: platforms.Format(platform), Available: formatted(available)}
		}
	}
	return nil
}

func runsCommands(image *family.Image) bool { return slices.ContainsFunc(image.Steps, runsCommand) }

func runsCommand(step family.Step) bool {
	switch step.(type) {
	case family.Packages, family.Run:
		return true
	}
	return false
}

// commands returns the names of the steps that run a command, each with the name of its image.
func commands(families []*family.Family) map[string]string {
	names := map[string]string{}
	for _, f := range families {
		for _, image := range f.Images {
			for at, step := range image.Steps {
				if runsCommand(step) {
					names[llb.StepName(image, at)] = image.Name
				}
			}
		}
	}
	return names
}

func formatted(list []ocispec.Platform) []string {
	names := map[string]struct{}{}
	for _, p := range list {
		names[platforms.Format(p)] = struct{}{}
	}
	return slices.Sorted(maps.Keys(names))
}
