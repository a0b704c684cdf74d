package build

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/secrets"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	spb "github.com/moby/buildkit/sourcepolicy/pb"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// Options are what decides how a family is built, besides the family itself.
type Options struct {
	// Platforms are what the images are built for; none means the engine's own.
	Platforms []ocispec.Platform
	// Created is the time that the images carry.
	Created time.Time
	// NoCache makes every command run again.
	NoCache bool
	// SourcePolicy says which sources the engine may use, and which to use instead of others.
	SourcePolicy *spb.Policy
	// Session is what the engine may ask pulpimg for, other than secrets.
	Session []session.Attachable
	// Secrets are those of run steps, if there are any.
	Secrets secrets.SecretStore
	// Layers keeps the file layers between builds.
	Layers *layer.Store
	// Progress shows the build as it runs.
	Progress Progress
	// Debug is called for the first command that fails, if it is set.
	Debug Debugger
}

// A Progress says where and how a build shows that it is running.
type Progress struct {
	// Out is written to.
	Out io.Writer
	// Mode is one of BuildKit's: auto, plain, tty, quiet, rawjson.
	Mode string

	// repeats is set when the build is repeated after a copy that the engine cannot continue. Then that is not shown as an error of a step.
	repeats bool
}

// Family builds all images of a family and adds them to a layout as one build. When it fails, nothing is added.
func Family(ctx context.Context, c *client.Client, f *family.Family, into *layout.Layout, opts Options) (*Result, error) {
	available, err := enginePlatforms(ctx, c)
	if err != nil {
		return nil, err
	}
	if len(opts.Platforms) == 0 {
		opts.Platforms = available[:1]
	}
	if err := runnable(f, opts.Platforms, available); err != nil {
		return nil, err
	}
	started := time.Now()
	done, err := onEngine(ctx, c, f, into, opts)
	if err != nil {
		return nil, err
	}
	inputs, err := Inputs(ctx, f, opts.Layers)
	if err != nil {
		return nil, err
	}
	built, err := manifestWriter{into: into, layers: opts.Layers, inputs: inputs}.write(ctx, done.response, done.planned)
	if err != nil {
		return nil, err
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

// Inputs returns what the images of a family are built from, as [family.Family.Inputs] does. A file that is in a layer of the store counts
// as it was when it was put there. Of the other files, only those that changed since they were last read are read again.
func Inputs(ctx context.Context, f *family.Family, layers *layer.Store) (map[string]string, error) {
	return f.Inputs(ctx, func(ctx context.Context, file family.DiskContent) ([]byte, error) {
		return layers.Sum(ctx, file, func() (io.ReadCloser, error) { return file.Open("") })
	})
}

// product names this program to the engine.
const product = "pulpimg"

func solveOptions(f *family.Family, into *layout.Layout, opts Options) client.SolveOpt {
	return client.SolveOpt{
		Exports: []client.ExportEntry{{
			Type:        client.ExporterOCI,
			Attrs:       map[string]string{"tar": "false", "oci-mediatypes": "true"},
			OutputStore: into.Blobs().Store(opts.Layers.Blobs()),
		}},
		OCIStores:    map[string]content.Store{llb.LayerStore: opts.Layers.Blobs().Store()},
		Session:      append(slices.Clip(opts.Session), secretsprovider.NewSecretProvider(withCredentials(f, opts.Secrets))),
		SourcePolicy: opts.SourcePolicy,
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
	at := slices.IndexFunc(f.Images, runsCommands)
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
func commands(f *family.Family) map[string]string {
	names := map[string]string{}
	for _, image := range f.Images {
		for at, step := range image.Steps {
			if runsCommand(step) {
				names[llb.StepName(image, at)] = image.Name
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
