package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// forPlatforms returns a family for each of these platforms. It is the same one for all, unless the spec names the target.
func forPlatforms(f *family.Family, all []ocispec.Platform) ([]*family.Family, error) {
	out := make([]*family.Family, len(all))
	for i, p := range all {
		var err error
		if out[i], err = f.For(family.Target{OS: p.OS, Arch: p.Architecture, Variant: p.Variant}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// inputs returns what the images of a family are built from for these platforms, as [family.Family.Inputs] does. A file that is in a file
// layer of the store counts as it was when it was put there. Of the other files, only those that changed since they were last read are read
// again.
func inputs(ctx context.Context, f *family.Family, layers *layer.Store, all []ocispec.Platform) (map[string]string, error) {
	families, err := forPlatforms(f, all)
	if err != nil {
		return nil, err
	}
	var first map[string]string
	sums := map[string][]byte{} // of the images that are different ones for different platforms, so far
	for i, one := range families {
		if i > 0 && one == families[i-1] {
			continue
		}
		digests, err := one.Inputs(ctx, func(ctx context.Context, file family.DiskContent) ([]byte, error) {
			return layers.Sum(ctx, file, func() (io.ReadCloser, error) { return file.Open("") })
		})
		if err != nil {
			return nil, err
		}
		if i == 0 {
			first = digests
		}
		for name, digest := range digests {
			sums[name] = fmt.Appendf(sums[name], "%s %s\n", platforms.Format(all[i]), digest)
		}
	}
	out := map[string]string{}
	for name, digest := range first {
		if out[name] = digest; families[0] != families[len(families)-1] {
			sum := sha256.Sum256(sums[name])
			out[name] = hex.EncodeToString(sum[:])
		}
	}
	return out, nil
}

// inputsOf returns a function that returns the inputs of a family for the platforms of a build.
func (c Cache) inputsOf(ctx context.Context, f *family.Family) (func(layout.Build) (map[string]string, error), error) {
	layers, err := c.layers()
	if err != nil {
		return nil, err
	}
	known := map[string]map[string]string{} // by the platforms
	return func(b layout.Build) (map[string]string, error) {
		all := platformsOf(b)
		key := fmt.Sprint(formattedInOrder(all))
		if known[key] == nil {
			if known[key], err = inputs(ctx, f, layers, all); err != nil {
				return nil, err
			}
		}
		return known[key], nil
	}, nil
}

// platformsOf returns the platforms of a build.
func platformsOf(b layout.Build) []ocispec.Platform {
	var out []ocispec.Platform
	for _, image := range b.Images {
		for _, desc := range image.Manifests {
			if desc.Platform != nil && !slices.ContainsFunc(out, platforms.OnlyStrict(*desc.Platform).Match) {
				out = append(out, *desc.Platform)
			}
		}
	}
	if len(out) == 0 {
		out = []ocispec.Platform{{OS: "linux"}} // of this machine, for an old build that does not say
	}
	return out
}

func formattedInOrder(all []ocispec.Platform) []string {
	out := make([]string, len(all))
	for i, p := range all {
		out[i] = platforms.Format(p)
	}
	return out
}
