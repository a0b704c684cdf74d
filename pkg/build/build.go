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
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/pkg/engine"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// Family builds all images of a family and adds them to a layout as one build. When it fails, nothing is added. An engine of its own runs for no
// longer than the build.
func Family(ctx context.Context, f *family.Family, into *layout.Layout, opts Options) (result *Result, err error) {
	s, err := opts.settings()
	if err != nil {
		return nil, err
	}
	release, err := cachedir.Use(ctx, s.layers.Blobs().Root())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	if result, err := s.unchanged(ctx, f, into); result != nil || err != nil {
		return result, err
	}
	e, err := engine.Start(ctx, s.Engine)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	result, err = onClient(ctx, e.Client(), f, into, s)
	if dead := e.Err(); err != nil && dead != nil && ctx.Err() == nil {
		return nil, dead // that the engine ended says more than what its clients noticed of it
	}
	return result, err
}

// onClient builds all images of a family on the engine of a client.
func onClient(ctx context.Context, c *client.Client, f *family.Family, into *layout.Layout, s settings) (*Result, error) {
	available, err := enginePlatforms(ctx, c)
	if err != nil {
		return nil, err
	}
	asked := s.Platforms
	if len(s.Platforms) == 0 {
		s.Platforms = available[:1]
	}
	s.build = available[0]
	if err := runnable(f, s.Platforms, available); err != nil {
		return nil, err
	}
	if s.families, err = forPlatforms(f, s.Platforms); err != nil {
		return nil, err
	}
	started := time.Now()
	done, err := onEngine(ctx, c, f, into, s)
	if err != nil {
		return nil, err
	}
	if len(f.Published()) == 0 {
		return &Result{Family: f.Name, Images: []Image{}, Steps: done.steps, Duration: time.Since(started)}, nil
	}
	inputs, err := inputs(ctx, f, s.layers, s.Platforms)
	if err != nil {
		return nil, err
	}
	built, err := manifestWriter{into: into, layers: s.layers, inputs: inputs}.write(ctx, done.response, done.planned)
	if err != nil {
		return nil, err
	}
	if s.hasRequest() {
		r, err := s.requestOf(f, asked, inputs, done.planned.bases)
		if err != nil {
			return nil, err
		}
		if built.Request, err = r.digest(); err != nil {
			return nil, err
		}
	}
	if built, err = into.Add(ctx, built); err != nil {
		return nil, err
	}
	result, err := describe(into, f, built)
	if err != nil {
		return nil, err
	}
	result.Steps = done.steps
	result.Duration = time.Since(started)
	return result, nil
}

// product names this program to the engine.
const product = "pulpimg"

func solveOptions(f *family.Family, into *layout.Layout, s settings) client.SolveOpt {
	var exports []client.ExportEntry
	if len(f.Published()) > 0 {
		exports = []client.ExportEntry{{
			Type:        client.ExporterOCI,
			Attrs:       map[string]string{"tar": "false", "oci-mediatypes": "true"},
			OutputStore: into.Blobs().Store(s.layers.Blobs()),
		}}
	}
	return client.SolveOpt{
		Exports:   exports,
		OCIStores: map[string]content.Store{llb.LayerStore: s.layers.Blobs().Store()},
		Session: []session.Attachable{
			newEngineCredentials(s.Keychain).attachable(),
			secretsprovider.NewSecretProvider(withCredentials(s.families, s.trusted, s.Secrets)),
		},
		SourcePolicy: allowing(s.SourcePolicy, f, s),
	}
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
