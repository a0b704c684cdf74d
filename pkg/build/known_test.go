package build

import (
	"archive/tar"
	"bytes"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/pkg/layout"
	"github.com/pulpimg/pulpimg/pkg/registries"
)

// An entry is one of a tar archive, with its content.
type entry struct {
	tar.Header
	content string
}

// tarOf returns an archive.
func tarOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		e.Size, e.Format = int64(len(e.content)), tar.FormatPAX
		if err := w.WriteHeader(&e.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// outsideImage puts an image for linux/amd64 into a registry, and returns its reference.
func outsideImage(t *testing.T, layers ...[]byte) string {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range layers {
		l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil })
		if err != nil {
			t.Fatal(err)
		}
		if image, err = mutate.AppendLayers(image, l); err != nil {
			t.Fatal(err)
		}
	}
	ref, err := name.ParseReference(server.Listener.Addr().String() + "/base:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, image); err != nil {
		t.Fatal(err)
	}
	return ref.String()
}

// A site is where a family is built again and again: the folder of its spec, the cache and the layout.
type site struct {
	t       *testing.T
	dir     string
	cache   Cache
	into    *layout.Layout
	created time.Time
	on      []ocispec.Platform
	change  func(*Options) // may be nil
	// minShared is 0 in tests, so that small files have sets, too.
	minShared int64

	mu     sync.Mutex
	warned []string
}

func newSite(t *testing.T) *site {
	return &site{t: t, dir: t.TempDir(), cache: Cache{Dir: t.TempDir()}, into: newLayout(t), created: time.Unix(0, 0).UTC(), on: []ocispec.Platform{amd64}}
}

func (s *site) write(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// options are those of a build that needs no engine.
func (s *site) options() Options {
	opts := Options{Cache: s.cache, Platforms: s.on, Created: s.created, Registries: &registries.Config{}, Warn: func(err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.warned = append(s.warned, err.Error())
	}}
	if s.change != nil {
		s.change(&opts)
	}
	return opts
}

// builder returns a builder of the spec.
func (s *site) builder() builder {
	s.t.Helper()
	set, err := s.options().settings(false)
	if err != nil {
		s.t.Fatal(err)
	}
	set.minShared = s.minShared
	set.kept = []*layout.Blobs{set.layers.Blobs(), s.into.Blobs()}
	b, err := builder{settings: set, family: familytest.Load(s.t, filepath.Join(s.dir, "f.yaml")), into: s.into, started: time.Now()}.on(amd64)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// foresee makes the forecast of a build.
func (s *site) foresee(b builder) *forecast.Forecast {
	s.t.Helper()
	seen, err := b.foresee(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return seen
}

// said says of each step that is not the same what it is: "web 1 run unknown".
func said(f *forecast.Forecast) []string {
	out := []string{}
	for _, image := range f.Images {
		for at, step := range image.Steps {
			if step.State != forecast.Same {
				out = append(out, placeOf(image, at)+" "+string(step.State)+", "+string(step.Cause))
			}
		}
	}
	return out
}

// made are the layers that an engine could have made: those of the base, and one for each step that makes one. Their names tell one run from another.
func (s *site) made(seen *forecast.Forecast, run string) madeImages {
	s.t.Helper()
	out := madeImages{}
	for _, image := range seen.Images {
		if image.Source.Unpublished {
			continue
		}
		var layers []madeLayer
		for on := image; on != nil; on = seen.Image(on.Source.Parent, on.Platform) {
			for at := len(on.Steps) - 1; at >= 0; at-- {
				if step := on.Steps[at]; step.Makes {
					layers = append(layers, s.layer(string(step.Key)+run))
				}
			}
			if on.Source.Parent == nil {
				break
			}
		}
		slices.Reverse(layers)
		if image.Base != nil {
			layers = append(layersOf(image.Base, nil), layers...)
		}
		out[platformImage{source: image.Source, platform: image.Platform}.name()] = layers
	}
	return out
}

// layer puts a layer into the layout.
func (s *site) layer(content string) madeLayer {
	s.t.Helper()
	blob, err := s.into.Blobs().Write(ocispec.MediaTypeImageLayerGzip, []byte(content))
	if err != nil {
		s.t.Fatal(err)
	}
	return madeLayer{digest.FromString("diff ID of " + content), blob}
}
