package recipe_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/internal/recipe"
	"github.com/pulpimg/pulpimg/internal/record"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

var amd64 = ocispec.Platform{OS: "linux", Architecture: "amd64"}

// A world is what is outside of a spec: the digests of images and of fetched files, where they are not those of their names.
type world struct {
	bases   map[string]string
	fetched map[string]string
	build   ocispec.Platform
}

func (w world) base(reference string) digest.Digest {
	if other, ok := w.bases[reference]; ok {
		reference = other
	}
	return digest.FromString(reference)
}

func (w world) fetch(image *family.Image, at int) string {
	url := image.Steps[at].(family.Fetch).URL.String()
	if other, ok := w.fetched[url]; ok {
		return other
	}
	return url
}

func (w world) recipe(t testing.TB, f *family.Family, all ...ocispec.Platform) recipe.Recipe {
	t.Helper()
	if len(all) == 0 {
		all = []ocispec.Platform{amd64}
	}
	families := make([]*family.Family, len(all))
	for i, p := range all {
		var err error
		if families[i], err = f.For(family.Target{OS: p.OS, Arch: p.Architecture, Variant: p.Variant}); err != nil {
			t.Fatal(err)
		}
	}
	return w.recipeOf(t, families, all)
}

func (w world) recipeOf(t testing.TB, families []*family.Family, all []ocispec.Platform) recipe.Recipe {
	t.Helper()
	r, err := recipe.Of(t.Context(), families, all, recipe.Sources{
		Fetch: func(_ context.Context, image *family.Image, at int) (digest.Digest, error) {
			return digest.FromString(w.fetch(image, at)), nil
		},
		Base: func(_ context.Context, reference string, p ocispec.Platform) (digest.Digest, error) {
			return w.base(reference + p.Architecture), nil
		},
		Build: w.build,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A truth is what decides what is built: the keys of the steps, and the config.
type truth struct {
	keys   []digest.Digest
	config string
}

// truths returns the truth about each image for one platform.
func (w world) truths(t testing.TB, f *family.Family) (map[string]truth, error) {
	t.Helper()
	options := llb.Options{Family: f.Name, Platform: amd64, Build: w.build, Created: time.Unix(1, 0).UTC()}
	seen, err := forecast.New(t.Context(), []*family.Family{f}, []ocispec.Platform{amd64}, forecast.Sources{
		Base: func(_ context.Context, _ *family.Image, _ *family.ImageSource, reference string, p ocispec.Platform) (*forecast.Base, error) {
			return &forecast.Base{Reference: reference, Manifest: w.base(reference + p.Architecture), Config: baseConfig()}, nil
		},
		Fetch: func(_ context.Context, image *family.Image, at int) ([]byte, error) {
			return []byte(w.fetch(image, at)), nil
		},
		Sum:     family.ReadSum,
		Record:  func(*family.Image, digest.Digest) (record.Record, bool) { return record.Record{}, false },
		Holds:   func(context.Context, record.Record) bool { return false },
		Options: func(*family.Family, ocispec.Platform) llb.Options { return options },
	})
	if err != nil {
		return nil, err
	}
	out := map[string]truth{}
	compiled := map[string]llb.Image{}
	for _, image := range f.Images {
		at := seen.Image(image, amd64)
		c := truth{keys: []digest.Digest{at.Key}}
		for _, s := range at.Steps {
			c.keys = append(c.keys, s.Key)
		}
		made, err := compile(image, compiled, options)
		if err != nil {
			return nil, err
		}
		compiled[image.Name] = made
		config, err := made.Config(dockerspec.DockerOCIImage{})
		if err != nil {
			return nil, err
		}
		data, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		c.config = string(data)
		out[image.Name] = c
	}
	return out, nil
}

func baseConfig() dockerspec.DockerOCIImage {
	var config dockerspec.DockerOCIImage
	config.Config.Env = []string{"PATH=/usr/bin:/bin"}
	config.Config.Healthcheck = &dockerspec.HealthcheckConfig{Test: []string{"CMD", "/of-the-base"}}
	return config
}

func compile(image *family.Image, done map[string]llb.Image, options llb.Options) (made llb.Image, err error) {
	switch {
	case image.Parent != nil:
		made, err = done[image.Parent.Name].Child(image)
	case image.Base == family.Scratch:
		made, err = llb.New(image, llb.Base{}, options)
	default:
		made, err = llb.New(image, llb.Base{Reference: image.Base, Config: baseConfig()}, options)
	}
	for _, step := range image.Steps {
		if err != nil {
			return made, err
		}
		if _, ok := step.(family.Env); ok {
			made, err = made.AddEnv()
			continue
		}
		made = made.Skip()
	}
	return made, err
}

// check compares what is said of two families with what is true, and returns how many images differ.
func check(t testing.TB, was, is state) int {
	t.Helper()
	since := is.recipe.Since(was.recipe)
	affected := map[string]bool{}
	layers := map[string]bool{} // of the image, or of one below it or that it takes from, a layer may be another one
	count := 0
	for _, image := range is.family.Images {
		d, own := since[image.Name]
		affected[image.Name] = own
		layers[image.Name] = d.New || slices.ContainsFunc(d.Changes, func(c recipe.Change) bool { return c.Content })
		for _, below := range image.Uses() {
			affected[image.Name] = affected[image.Name] || affected[below.Name]
			layers[image.Name] = layers[image.Name] || layers[below.Name]
			for _, c := range since[below.Name].Changes { // an environment reaches the commands of images that are based on it
				layers[image.Name] = layers[image.Name] || reachesOthers(c)
			}
		}
		before, ok := was.truth[image.Name]
		now := is.truth[image.Name]
		if !ok {
			if !d.New {
				t.Errorf("%s is new, and is said to be %+v", image.Name, d)
			}
			continue
		}
		sameKeys := slices.Equal(before.keys, now.keys)
		switch differs := !sameKeys || before.config != now.config; {
		case differs && !affected[image.Name]:
			t.Errorf("%s differs, and nothing is said: keys %t, config %t", image.Name, !sameKeys, before.config != now.config)
		case !differs && own && !onlyPublication(d):
			t.Errorf("%s does not differ, and is said to: %+v", image.Name, d)
		case !sameKeys && !layers[image.Name]:
			t.Errorf("layers of %s differ, and nothing of that is said: %+v", image.Name, since)
		case differs:
			count++
		}
	}
	return count
}

func reachesOthers(c recipe.Change) bool {
	for _, name := range []string{"env", "workdir", "+ env", "- env", "moved: env"} {
		if len(c.Text) >= len(name) && c.Text[:len(name)] == name {
			return true
		}
	}
	return false
}

func onlyPublication(d recipe.Difference) bool {
	return !slices.ContainsFunc(d.Changes, func(c recipe.Change) bool {
		return c.Text != "publish: true to false" && c.Text != "publish: false to true"
	})
}

// A state is a family, its recipe as it was kept, and the truth.
type state struct {
	family *family.Family
	recipe recipe.Recipe
	truth  map[string]truth
}

func stateOf(t testing.TB, w world, f *family.Family) (state, error) {
	t.Helper()
	truth, err := w.truths(t, f)
	if err != nil {
		return state{}, err
	}
	data, err := w.recipeOf(t, []*family.Family{f}, []ocispec.Platform{amd64}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	kept, err := recipe.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return state{f, kept, truth}, nil
}

// load resolves a spec, if it is one.
func load(file string) (*family.Family, error) {
	s, err := spec.Load(file)
	if err != nil {
		return nil, err
	}
	return family.Resolve(s, family.Options{
		Dir: filepath.Dir(file), Assets: familytest.Assets(), Target: family.Target{OS: "linux", Arch: "amd64"},
		Git: func(string) (string, error) { return "", fs.ErrNotExist },
	})
}

// copied copies a folder with a spec, and makes files that programs would make.
func copied(t testing.TB, dir string, made ...string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	for _, name := range made {
		name = filepath.Join(to, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte("program"), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	return to
}
