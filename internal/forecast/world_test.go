package forecast_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/key"
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/internal/record"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// The platforms of the tests.
var (
	amd64 = ocispec.Platform{OS: "linux", Architecture: "amd64"}
	arm64 = ocispec.Platform{OS: "linux", Architecture: "arm64"}
)

// A world is what a forecast asks about: bases, files of URLs, and what is known of earlier builds.
type world struct {
	forecast.Sources
	dir       string // of the spec
	platforms []ocispec.Platform
	build     ocispec.Platform
	created   time.Time

	moved   map[string]int // how often a base was made anew, by its reference
	records map[digest.Digest]record.Record
	lost    map[digest.Digest]bool // the results whose layers are gone
	runs    int
	network map[string]bool // the titles of the steps that use the network
}

func newWorld(t *testing.T, platforms ...ocispec.Platform) *world {
	t.Helper()
	if len(platforms) == 0 {
		platforms = []ocispec.Platform{amd64}
	}
	w := &world{
		dir: t.TempDir(), platforms: platforms, build: amd64, created: time.Unix(0, 0).UTC(), moved: map[string]int{},
		records: map[digest.Digest]record.Record{}, lost: map[digest.Digest]bool{}, network: map[string]bool{},
	}
	w.Base = func(_ context.Context, _ *family.Image, _ *family.ImageSource, reference string, p ocispec.Platform) (*forecast.Base, error) {
		manifest := digest.FromString(fmt.Sprint(reference, p.Architecture, w.moved[reference]))
		config := dockerspec.DockerOCIImage{Image: ocispec.Image{Platform: p}}
		config.Config.Env = []string{"PATH=/usr/bin:/bin"}
		return &forecast.Base{Reference: reference + "@" + manifest.String(), Manifest: manifest, Config: config}, nil
	}
	w.Fetch = func(_ context.Context, image *family.Image, at int) ([]byte, error) {
		return []byte(image.Steps[at].(family.Fetch).URL.Request()), nil
	}
	w.Sum = family.ReadSum
	w.Record = func(_ *family.Image, k digest.Digest) (record.Record, bool) {
		r, ok := w.records[k]
		return r, ok
	}
	w.Holds = func(_ context.Context, r record.Record) bool { return r.Blob != nil && !w.lost[r.Result] }
	w.Options = func(f *family.Family, p ocispec.Platform) llb.Options {
		return llb.Options{SpecFile: f.Spec.Filename, Family: f.Name, Platform: p, Build: w.build, Created: w.created}
	}
	w.Now = time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)
	return w
}

// header is a spec up to its images.
const header = "version: 1\nname: f\nregistry: r.example/f\ntag: \"1\"\nimages:\n"

// load resolves a spec, which is header and its images, once for each platform.
func (w *world) load(t *testing.T, images string) []*family.Family {
	t.Helper()
	file := filepath.Join(w.dir, "f.yaml")
	if err := os.WriteFile(file, []byte(header+images), 0o600); err != nil {
		t.Fatal(err)
	}
	f := familytest.Load(t, file)
	out := make([]*family.Family, len(w.platforms))
	for i, p := range w.platforms {
		var err error
		if out[i], err = f.For(family.Target{OS: p.OS, Arch: p.Architecture}); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// forecast makes the forecast for a spec.
func (w *world) forecast(t *testing.T, images string) *forecast.Forecast {
	t.Helper()
	f, err := forecast.New(t.Context(), w.load(t, images), w.platforms, w.Sources)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// make does what a build does: it makes step after step what is not known, until all that can be known is.
func (w *world) make(t *testing.T, images string) {
	t.Helper()
	w.runs++
	done := map[string]bool{}
	for range 100 {
		f := w.forecast(t, images)
		if !w.next(f, done) {
			return
		}
	}
	t.Fatal("the build does not end")
}

// next makes the first step that is to be made, and was not.
func (w *world) next(f *forecast.Forecast, done map[string]bool) bool {
	for _, image := range f.Images {
		for at, step := range image.Steps {
			place := fmt.Sprint(image.Source.Name, image.Platform.Architecture, at)
			if step.State == forecast.Same || step.On == "" || done[place] {
				continue
			}
			done[place] = true
			title := image.Source.Steps[at].Title()
			r := record.Record{Key: step.Key, On: step.On, Result: digest.FromString(fmt.Sprint(step.Key, w.runs))}
			if !step.Command {
				r.Key, r.Result = key.Layer(step.Key, w.created), digest.FromString(string(step.Key+step.On))
			}
			if f.Wanted(image.Source, image.Platform) {
				r.Blob = &ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: r.Result, Size: 1}
				delete(w.lost, r.Result)
			}
			if step.Command {
				r.Ran, r.Network = w.Now, w.network[title]
			}
			w.records[r.Key] = r
			return true
		}
	}
	return false
}

// said returns what a forecast says of each step that is not the same: "web 2/3 run, unknown", with the platform if there are several.
func (w *world) said(f *forecast.Forecast) []string {
	var out []string
	for _, image := range f.Images {
		for at, step := range image.Steps {
			if step.State == forecast.Same && step.Cause == "" {
				continue
			}
			on := ""
			if len(w.platforms) > 1 {
				on = " " + image.Platform.Architecture
			}
			out = append(out, fmt.Sprintf("%s %d/%d%s %s, %s", image.Source.Name, at+1, len(image.Steps), on, step.State, step.Cause))
		}
	}
	return out
}

// find returns what is known of the step of an image with a title.
func (w *world) find(t *testing.T, f *forecast.Forecast, image, title string) record.Record {
	t.Helper()
	for _, i := range f.Images {
		for at, step := range i.Steps {
			if i.Source.Name == image && strings.Contains(i.Source.Steps[at].Title(), title) && step.Record != nil {
				return *step.Record
			}
		}
	}
	t.Fatalf("nothing is known of %s of %s", title, image)
	return record.Record{}
}
