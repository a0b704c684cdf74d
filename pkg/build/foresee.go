package build

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/internal/record"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// foresee makes the forecast for the families of the settings.
func (s settings) foresee(ctx context.Context) (*forecast.Forecast, error) {
	seen, err := s.foreseeOf(ctx, s.sum)
	if err != nil || !s.askRegistries(ctx, seen) {
		return seen, err
	}
	return s.foreseeOf(ctx, s.sum)
}

// foreseeOf makes the forecast with the digests of files that a function returns.
func (s settings) foreseeOf(ctx context.Context, sum family.Summer) (*forecast.Forecast, error) {
	defer s.fetchAll(ctx)()
	return forecast.New(ctx, s.families, s.Platforms, forecast.Sources{
		Base:  s.lookUpBase,
		Fetch: s.fetch,
		Sum:   sum,
		Record: func(image *family.Image, key digest.Digest) (record.Record, bool) {
			if s.NoCache {
				return record.Record{}, false
			}
			return s.record(ctx, image, key)
		},
		Holds:   s.holds,
		Options: s.compileOptions,
		Fresh:   s.NoCache,
		Refresh: s.Refresh,
		Now:     time.Now(),
	})
}

// sum returns the digest of a file.
func (s settings) sum(ctx context.Context, file family.DiskContent) ([]byte, error) {
	if s.NoCache {
		return family.ReadSum(ctx, file)
	}
	return s.layers.Sum(ctx, file, func() (io.ReadCloser, error) { return file.Open("") })
}

// fetchAll begins to fetch the files of all Fetch steps, beside the look-up of the bases. The function that it returns waits for the end. What
// fails is reported when its step needs it.
func (s settings) fetchAll(ctx context.Context) (wait func()) {
	var group sync.WaitGroup
	for _, image := range s.families[0].Images {
		for at, step := range image.Steps {
			if _, ok := step.(family.Fetch); ok {
				group.Go(func() { _, _ = s.fetch(ctx, image, at) })
			}
		}
	}
	return group.Wait
}

// compileOptions are those with which a family is compiled for a platform.
func (s settings) compileOptions(f *family.Family, platform ocispec.Platform) llb.Options {
	return llb.Options{
		SpecFile: f.Spec.Filename,
		Family:   f.Name,
		Platform: platform,
		Build:    s.build,
		Created:  s.Created,
		NoCache:  s.NoCache,
		Trusting: len(s.trusted) > 0,
		Proxies:  llb.Proxies(s.Proxies),
	}
}

// thisPlatform is the platform of an engine on this machine. Engines run Linux, also where this machine does not.
func thisPlatform() ocispec.Platform {
	p := platforms.DefaultSpec()
	return platforms.Normalize(ocispec.Platform{OS: "linux", Architecture: p.Architecture, Variant: p.Variant})
}
