package build

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// A project is a spec with a file, and the layout of its builds.
type project struct {
	t     *testing.T
	dir   string
	cache Cache
	from  *layout.Layout
}

func newProject(t *testing.T) project {
	t.Helper()
	p := project{t: t, dir: t.TempDir(), cache: Cache{Dir: t.TempDir()}, from: newLayout(t)}
	p.write("spec.yaml", `version: 1
name: f
registry: example.com
tag: "1"
images:
  base:
    from: scratch
    steps:
      - files: {from: app, to: /app}
  web: {from: base, command: [web]}
  alone: {from: scratch, command: [alone]}
`)
	p.write("app", "first")
	return p
}

func (p project) write(name, content string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(content), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p project) family(images ...string) *family.Family {
	p.t.Helper()
	f := familytest.Load(p.t, filepath.Join(p.dir, "spec.yaml"))
	f.Spec.Filename = "spec.yaml"
	if len(images) == 0 {
		return f
	}
	selected, err := f.Select(images...)
	if err != nil {
		p.t.Fatal(err)
	}
	return selected
}

// build adds what a build would.
func (p project) build(images ...string) layout.Build {
	p.t.Helper()
	f := p.family(images...)
	layers, err := p.cache.layers()
	if err != nil {
		p.t.Fatal(err)
	}
	inputs, err := inputs(p.t.Context(), f, layers, []ocispec.Platform{amd64})
	if err != nil {
		p.t.Fatal(err)
	}
	var made layout.Build
	for _, image := range f.Images {
		config, err := p.from.Blobs().WriteJSON(ocispec.MediaTypeImageConfig, ocispec.Image{Platform: amd64})
		if err != nil {
			p.t.Fatal(err)
		}
		desc, err := p.from.Blobs().WriteJSON(ocispec.MediaTypeImageManifest, ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, Config: config})
		if err != nil {
			p.t.Fatal(err)
		}
		desc.Platform = &amd64
		built, err := p.from.Combine(image.Name, image.References, []ocispec.Descriptor{desc}, nil)
		if err != nil {
			p.t.Fatal(err)
		}
		built.Inputs = digest.NewDigestFromEncoded(digest.SHA256, inputs[image.Name])
		made.Images = append(made.Images, built)
	}
	added, err := p.from.Add(p.t.Context(), made)
	if err != nil {
		p.t.Fatal(err)
	}
	return added
}

func TestCurrent_isWhatTheSpecSaysNow(t *testing.T) {
	for _, test := range []struct {
		name    string
		change  func(p project)
		images  []string
		want    []string // references
		problem string
	}{
		{name: "nothing changed", want: []string{"example.com/base:1", "example.com/web:1", "example.com/alone:1"}},
		{name: "another tag", change: func(p project) {
			p.write("spec.yaml", strings.Replace(p.read("spec.yaml"), `tag: "1"`, `tag: "2"`, 1))
		}, want: []string{"example.com/base:2", "example.com/web:2", "example.com/alone:2"}},
		{name: "another file", change: func(p project) { p.write("app", "other") }, problem: "base changed since, in the spec, its files or its variables"},
		{name: "another file, for what does not have it", change: func(p project) { p.write("app", "other") }, images: []string{"alone"}, want: []string{"example.com/alone:1"}},
		{name: "a part of an image", change: func(p project) {
			p.write("spec.yaml", strings.Replace(p.read("spec.yaml"), "[web]", "[web, -v]", 1))
		}, problem: "now: web changed since, in the spec, its files or its variables"},
		{name: "an image more", change: func(p project) { p.write("spec.yaml", p.read("spec.yaml")+"  more: {from: web}\n") }, problem: "it did not build more"},
		{name: "a part was built again", change: func(p project) { p.build("alone") }, want: []string{"example.com/base:1", "example.com/web:1", "example.com/alone:1"}},
		{name: "only a part was built of what is there now", change: func(p project) {
			p.write("app", "other")
			p.build("alone")
		}, problem: "build 2 "},
		{name: "back to what was built before", change: func(p project) {
			p.write("app", "other")
			p.build()
			p.write("app", "first")
		}, want: []string{"example.com/base:1", "example.com/web:1", "example.com/alone:1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newProject(t)
			p.build()
			if test.change != nil {
				test.change(p)
			}
			images, err := p.cache.Current(t.Context(), p.family(test.images...), p.from)
			var stale *StaleError
			if errors.As(err, &stale) != (test.problem != "") || stale != nil && !strings.Contains(stale.Error(), test.problem) {
				t.Errorf("got the error %v, want one with %q", err, test.problem)
			}
			var got []string
			for _, image := range images {
				got = append(got, image.Reference())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("images to publish (-want +got):\n%s", diff)
			}
		})
	}
}

func (p project) read(name string) string {
	p.t.Helper()
	data, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(data)
}

func TestFind_isOfTheInputsAndTheReferenceThatMatter(t *testing.T) {
	p := newProject(t)
	find := func(anyInputs, byReference bool) (*layout.Image, error) {
		f := p.family()
		web, _ := f.Image("web")
		return p.cache.Find(t.Context(), f, p.from, web, Search{anyInputs, byReference})
	}
	if got, err := find(false, false); got != nil || err != nil {
		t.Errorf("without a build: %v, %v", got, err)
	}
	p.build()
	if got, err := find(false, true); err != nil || got == nil {
		t.Errorf("what was built: %v, %v", got, err)
	}
	p.write("app", "other")
	var stale *StaleError
	if got, err := find(false, false); got != nil || !errors.As(err, &stale) {
		t.Errorf("what was built of something else: %v, %v", got, err)
	}
	if got, err := find(true, false); err != nil || got == nil {
		t.Errorf("whatever it was built of: %v, %v", got, err)
	}
	p.write("spec.yaml", strings.Replace(p.read("spec.yaml"), `tag: "1"`, `tag: "2"`, 1))
	if got, err := find(true, true); got != nil || err != nil {
		t.Errorf("under a reference that nothing was built for: %v, %v", got, err)
	}
}
