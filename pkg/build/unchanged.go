package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
	"github.com/pulpimg/pulpimg/pkg/publish"
)

// requestFormat is the version of what the digest of a request covers.
const requestFormat = 1

// A request is all that decides what a build makes, apart from what commands fetch: two builds with one request make the same images, or else
// the second one takes from the engine's cache what the first one made. So a request that was answered needs no engine.
type request struct {
	Format  int
	Program string
	// Platforms are those that were asked for; none stands for the engine's own.
	Platforms []string
	Machine   string
	Engine    string // the address of one elsewhere
	Created   time.Time
	// Images are the names of the images with the digests of their inputs, and References what the images are published under: an image says
	// by which name its base is.
	Images     map[string]string
	References map[string][]string
	// Bases are the digests of the images from outside, by reference.
	Bases  map[string]digest.Digest
	Policy []byte `json:",omitempty"` // of sources
}

// digest returns the digest of a request; nothing, if it does not say all.
func (r request) digest() (digest.Digest, error) {
	for _, base := range r.Bases {
		if base == "" {
			return "", nil
		}
	}
	if r.Program == "" {
		return "", nil
	}
	data, err := json.Marshal(r)
	if err != nil {
		return "", err
	}
	return digest.FromBytes(data), nil
}

// requestOf returns the request of a build of a family with these bases.
func (s settings) requestOf(f *family.Family, asked []ocispec.Platform, inputs map[string]string, bases map[string]digest.Digest) (request, error) {
	policy, err := marshalPolicy(s.SourcePolicy)
	r := request{
		Format: requestFormat, Program: program(), Platforms: formattedInOrder(asked), Machine: runtime.GOARCH, Engine: s.Engine.Address, Created: s.Created.UTC(),
		Images: inputs, References: map[string][]string{}, Bases: bases, Policy: policy,
	}
	for _, image := range f.Images {
		r.References[image.Name] = image.References
	}
	return r, err
}

// program tells this program from others, which may make other images of the same spec. It is empty if that cannot be told.
func program() string {
	file, err := os.Executable()
	if err != nil {
		return ""
	}
	info, err := os.Stat(file)
	if err != nil {
		return ""
	}
	version := ""
	if build, ok := debug.ReadBuildInfo(); ok {
		version = build.Main.Version
		for _, s := range build.Settings {
			if s.Key == "vcs.revision" {
				version += " " + s.Value
			}
		}
	}
	return fmt.Sprintf("%s %d %d", version, info.Size(), info.ModTime().UnixNano())
}

// hasRequest reports whether a request can say all that decides the images: not what a URL has now.
func (s settings) hasRequest() bool {
	for _, f := range s.families {
		for _, image := range f.Images {
			for _, step := range image.Steps {
				if fetch, ok := step.(family.Fetch); ok && fetch.SHA256 == "" {
					return false
				}
			}
		}
	}
	return true
}

// unchanged returns the result of the newest build in a layout that answered the same request, if all of its blobs are there; nil, if there
// is none, or if this cannot be told: then the engine has to build, and says what is wrong.
func (s settings) unchanged(ctx context.Context, f *family.Family, into *layout.Layout) (*Result, error) {
	started := time.Now()
	builds, err := into.Builds()
	if err != nil || s.NoCache || len(f.Published()) == 0 || !slices.ContainsFunc(builds, func(b layout.Build) bool { return b.Request != "" }) {
		return nil, nil
	}
	targets := s.Platforms
	if len(targets) == 0 {
		targets = []ocispec.Platform{platforms.Normalize(platforms.DefaultSpec())}
	}
	if s.families, err = forPlatforms(f, targets); err != nil || !s.hasRequest() {
		return nil, nil
	}
	inputs, err := inputs(ctx, f, s.layers, targets)
	if err != nil {
		return nil, context.Cause(ctx)
	}
	bases, err := s.resolveBases(ctx, external(s.families[0], s.families[1:]))
	if err != nil {
		return nil, context.Cause(ctx)
	}
	r, err := s.requestOf(f, s.Platforms, inputs, bases)
	if err != nil {
		return nil, err
	}
	asked, err := r.digest()
	if err != nil || asked == "" {
		return nil, err
	}
	at := slices.IndexFunc(builds, func(b layout.Build) bool { return b.Request == asked })
	if at < 0 || !complete(into, builds[at]) {
		return nil, nil
	}
	built := builds[at]
	if at > 0 { // what was asked for last is the last build
		if built, err = into.Add(ctx, built); err != nil {
			return nil, err
		}
	}
	result, err := describe(into, f, built)
	if err != nil {
		return nil, err
	}
	result.Same, result.Duration = &builds[at], time.Since(started)
	return result, nil
}

// resolvePatience is how long registries may take to say that nothing changed. After that, the engine asks, and says what is wrong.
const resolvePatience = 10 * time.Second

// resolveBases asks the registries for the digests of images from outside.
func (s settings) resolveBases(ctx context.Context, references []string) (map[string]digest.Digest, error) {
	out := map[string]digest.Digest{}
	var mu sync.Mutex
	ctx, cancel := context.WithTimeout(ctx, resolvePatience)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	for _, reference := range references {
		group.Go(func() error {
			found, err := s.resolveBase(ctx, reference)
			mu.Lock()
			defer mu.Unlock()
			out[reference] = found
			return err
		})
	}
	return out, group.Wait()
}

// resolveBase asks for one, where the engine would.
func (s settings) resolveBase(ctx context.Context, reference string) (digest.Digest, error) {
	meant, err := underPolicy(ctx, s.SourcePolicy, reference)
	if err != nil {
		return "", err
	}
	if known := digestOf(meant); known != "" {
		return known, nil
	}
	places, err := s.Registries.Sources(meant)
	if err != nil {
		return "", err
	}
	err = errors.New("there is no place to look")
	for _, place := range places {
		if known := digestOf(place.Reference); known != "" {
			return known, nil
		}
		found, placeErr := publish.Resolve(ctx, place.Reference, publish.Options{Keychain: s.Keychain, Registries: s.Registries, Backoff: publish.Backoff{Attempts: 1}})
		if placeErr == nil {
			return digest.Digest(found.String()), nil
		}
		err = placeErr
	}
	return "", err
}

// complete reports whether all blobs of a build are in a layout. What is small is read: its content has to have its digest.
func complete(in *layout.Layout, b layout.Build) bool {
	for _, image := range b.Images {
		if image.Descriptor.MediaType == ocispec.MediaTypeImageIndex {
			if _, err := in.Index(image.Descriptor); err != nil {
				return false
			}
		}
		for _, desc := range image.Manifests {
			manifest, err := in.Manifest(desc)
			if err != nil {
				return false
			}
			var config ocispec.Image
			if err := in.Blobs().ReadJSON(manifest.Config, &config); err != nil {
				return false
			}
			for _, l := range manifest.Layers {
				if !in.Blobs().Has(l) {
					return false
				}
			}
		}
	}
	return true
}
