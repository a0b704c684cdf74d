package forecast_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/record"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// A chain of images: commands and files in turn, and a role on top.
const chain = `  base:
    from: "debian:12"
    steps:
      - run: first
      - directory: { path: /a }
      - run: second
  web:
    from: base
    steps:
      - directory: { path: /b }
`

// A builder whose layers nobody publishes, an image that copies from it, and one that mounts it.
const builder = `  tools:
    from: "golang:1"
    publish: false
    steps:
      - run: compile
      - directory: { path: /out }
  copies:
    from: "debian:12"
    steps:
      - files: { image: tools, from: /out, to: /x }
  mounts:
    from: "debian:12"
    steps:
      - run: { script: install, mounts: [{ image: tools, from: /out, to: /m }] }
      - directory: { path: /c }
`

// Two images on one, and one that takes from both.
const diamond = `  base:
    from: "debian:12"
    steps: [{ run: first }]
  left:
    from: base
    steps: [{ run: "left" }]
  right:
    from: base
    steps: [{ directory: { path: /r } }]
  top:
    from: "debian:12"
    steps:
      - directory: { path: /d }
      - files: [{ image: left, from: /l, to: /l }, { image: right, from: /r, to: /r }]
      - run: last
`

func TestNew_saysWhatABuildDoes(t *testing.T) {
	for _, test := range []struct {
		name, images string
		// before is done after the first build, and edit with the spec then.
		before func(t *testing.T, w *world)
		edit   []string
		want   []string
	}{
		{name: "nothing changed", images: chain},
		{
			name: "the first command", images: chain, edit: []string{"run: first", "run: other"},
			want: []string{"base 1/3 run, unknown", "base 2/3 write, behind", "base 3/3 may run, behind", "web 1/1 write, behind"},
		},
		{
			name: "a file between commands", images: chain, edit: []string{"path: /a", "path: /aa"},
			want: []string{"base 2/3 write, unknown", "base 3/3 run, unknown", "web 1/1 write, behind"},
		},
		{name: "a role", images: chain, edit: []string{"path: /b", "path: /bb"}, want: []string{"web 1/1 write, unknown"}},
		{
			name: "the base moved", images: chain, before: func(_ *testing.T, w *world) { w.moved["docker.io/library/debian:12"]++ },
			want: []string{"base 1/3 run, unknown", "base 2/3 write, behind", "base 3/3 may run, behind", "web 1/1 write, behind"},
		},
		{
			name: "another time of files", images: chain, before: func(_ *testing.T, w *world) { w.created = time.Unix(9, 0).UTC() },
			want: []string{"base 2/3 write, unknown", "web 1/1 write, unknown"},
		},
		{
			name: "everything is to run", images: chain, before: func(_ *testing.T, w *world) { w.Fresh = true },
			want: []string{"base 1/3 run, asked", "base 2/3 write, asked", "base 3/3 run, asked", "web 1/1 write, asked"},
		},
		{
			name: "the layer of a command is lost", images: chain,
			before: func(t *testing.T, w *world) { w.lost[w.find(t, w.forecast(t, chain), "base", "first").Result] = true },
			want:   []string{"base 1/3 may run, lost", "base 2/3 write, behind", "base 3/3 may run, behind", "web 1/1 write, behind"},
		},
		{
			name: "the layer of files is lost", images: chain,
			before: func(t *testing.T, w *world) { w.lost[w.find(t, w.forecast(t, chain), "web", "/b").Result] = true },
			want:   []string{"web 1/1 write, lost"},
		},
		{
			name: "a command ran again elsewhere", images: chain,
			before: func(t *testing.T, w *world) {
				r := w.find(t, w.forecast(t, chain), "base", "first")
				r.Result = digest.FromString("another result")
				w.records[r.Key] = r
			},
			want: []string{"base 2/3 write, rebuilt", "base 3/3 run, rebuilt", "web 1/1 write, behind"},
		},

		{name: "nothing changed about a builder", images: builder},
		{name: "layers of a builder are no loss", images: builder, before: func(t *testing.T, w *world) {
			if r := w.find(t, w.forecast(t, builder), "tools", "compile"); r.Blob == nil {
				t.Error("its layer was not wanted for the first build")
			} else {
				w.lost[r.Result] = true
			}
		}},
		{
			name: "the command of a builder", images: builder, edit: []string{"run: compile", "run: compile2"},
			want: []string{"tools 1/2 run, unknown", "tools 2/2 write, behind", "copies 1/1 write, behind", "mounts 1/2 may run, behind", "mounts 2/2 write, behind"},
		},
		{
			name: "what a builder is based on", images: builder, before: func(_ *testing.T, w *world) { w.moved["docker.io/library/golang:1"]++ },
			want: []string{"tools 1/2 run, unknown", "tools 2/2 write, behind", "copies 1/1 write, behind", "mounts 1/2 may run, behind", "mounts 2/2 write, behind"},
		},
		{
			name: "another file of a builder", images: builder, edit: []string{"path: /out }", "path: /out2 }"},
			want: []string{"tools 2/2 write, unknown", "copies 1/1 write, unknown", "mounts 1/2 run, unknown", "mounts 2/2 write, behind"},
		},
		{
			name: "a lost builder is wanted again by what takes from it", images: builder,
			before: func(t *testing.T, w *world) {
				w.lost[w.find(t, w.forecast(t, builder), "tools", "compile").Result] = true
			},
			edit: []string{"to: /x", "to: /y"},
			want: []string{"tools 1/2 may run, lost", "tools 2/2 write, behind", "copies 1/1 write, behind", "mounts 1/2 may run, behind", "mounts 2/2 write, behind"},
		},

		{name: "nothing changed about a diamond", images: diamond},
		{
			name: "one side of a diamond", images: diamond, edit: []string{`run: "left"`, "run: other"},
			want: []string{"left 1/1 run, unknown", "top 2/3 write, behind", "top 3/3 may run, behind"},
		},
		{
			name: "the side of a diamond without commands", images: diamond, edit: []string{"path: /r }", "path: /r, mode: \"0700\" }"},
			want: []string{"right 1/1 write, unknown", "top 2/3 write, unknown", "top 3/3 run, unknown"},
		},
		{
			name: "other files of a lost side of a diamond, which may be the same", images: diamond,
			before: func(t *testing.T, w *world) { w.lost[w.find(t, w.forecast(t, diamond), "left", "left").Result] = true },
			edit:   []string{"from: /l, to: /l }", "from: /l, to: /l, exclude: [x] }"},
			want:   []string{"left 1/1 may run, lost", "top 2/3 write, behind", "top 3/3 may run, behind"},
		},
		{
			name: "files below what is taken from a lost side of a diamond", images: diamond,
			before: func(t *testing.T, w *world) { w.lost[w.find(t, w.forecast(t, diamond), "left", "left").Result] = true },
			edit:   []string{"path: /d ", "path: /dd "},
			want:   []string{"left 1/1 may run, lost", "top 1/3 write, unknown", "top 2/3 write, behind", "top 3/3 run, unknown"},
		},
		{
			name: "the foot of a diamond", images: diamond, edit: []string{"run: first", "run: other"},
			want: []string{"base 1/1 run, unknown", "left 1/1 may run, behind", "right 1/1 write, behind", "top 2/3 write, behind", "top 3/3 may run, behind"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.make(t, test.images)
			if test.before != nil {
				test.before(t, w)
			}
			images := test.images
			if len(test.edit) > 0 {
				if images = strings.Replace(images, test.edit[0], test.edit[1], 1); images == test.images {
					t.Fatal("the edit changes nothing")
				}
			}
			f := w.forecast(t, images)
			if diff := cmp.Diff(test.want, w.said(f)); diff != "" {
				t.Errorf("what it says (-want +got):\n%s", diff)
			}
			runs := strings.Contains(strings.Join(test.want, "\n"), "run, ")
			if f.NeedsEngine() != runs {
				t.Errorf("it needs an engine: %t", f.NeedsEngine())
			}
			w.lost = map[digest.Digest]bool{}
			w.Fresh = false
			w.make(t, images)
			if left := w.said(w.forecast(t, images)); len(left) > 0 {
				t.Errorf("after the build, there is still something to do: %q", left)
			}
		})
	}
}

// Before anything is built, there is nothing to believe, and nothing is told of what depends on commands.
func TestNew_first(t *testing.T) {
	w := newWorld(t)
	f := w.forecast(t, chain)
	want := []string{"base 1/3 run, unknown", "base 2/3 write, behind", "base 3/3 may run, behind", "web 1/1 write, behind"}
	if diff := cmp.Diff(want, w.said(f)); diff != "" {
		t.Errorf("what it says (-want +got):\n%s", diff)
	}
	web := f.Images[1]
	if web.Known() || web.On != "" || web.Steps[0].On != "" || web.Steps[0].Record != nil || web.Key == "" {
		t.Errorf("it knows of web: %+v", web)
	}
}

// A family without commands never needs an engine.
func TestForecast_NeedsEngine_withoutCommands(t *testing.T) {
	images := "  a:\n    from: scratch\n    steps: [{ directory: { path: /a } }]\n  b:\n    from: a\n    steps: [{ env: { A: b } }]\n"
	w := newWorld(t)
	if f := w.forecast(t, images); f.NeedsEngine() || f.Images[0].State() != forecast.Write || f.Images[1].State() != forecast.Same {
		t.Errorf("it says %q", w.said(f))
	}
	w.make(t, images)
	f := w.forecast(t, images)
	for _, image := range f.Images {
		if !image.Known() || image.Base != nil || len(image.Compiled().AppendedLayers()) != 1 {
			t.Errorf("%s: known: %t, layers: %d", image.Source.Name, image.Known(), len(image.Compiled().AppendedLayers()))
		}
	}
	if env := f.Images[1].Steps[0]; env.Makes || env.Record != nil || env.Key != f.Images[0].Key {
		t.Errorf("the step that makes no layer: %+v", env)
	}
}

// One platform is told from the other, and what runs on the platform of the engine is the same for both.
func TestNew_platforms(t *testing.T) {
	const images = `  tool:
    from: "debian:12"
    platform: build
    publish: false
    steps: [{ run: compile }]
  web:
    from: "debian:12"
    steps: [{ run: "echo $TARGETARCH" }, { directory: { path: /a } }]
`
	w := newWorld(t, amd64, arm64)
	w.make(t, images)
	f := w.forecast(t, images)
	tool, web := f.Images[:2], f.Images[2:]
	if tool[0].Key != tool[1].Key || web[0].Key == web[1].Key {
		t.Errorf("the keys are %s and %s, %s and %s", tool[0].Key, tool[1].Key, web[0].Key, web[1].Key)
	}
	for i, p := range w.platforms {
		if image := f.Image(web[0].Source, p); image != web[i] || image.Base != f.Base("docker.io/library/debian:12", p) || image.Base == nil {
			t.Errorf("for %s, there is %+v", p.Architecture, image)
		}
	}
	r := w.find(t, f, "web", "echo") // the first one is for amd64
	w.lost[r.Result] = true
	want := []string{"web 1/2 amd64 may run, lost", "web 2/2 amd64 write, behind"}
	if diff := cmp.Diff(want, w.said(w.forecast(t, images))); diff != "" {
		t.Errorf("what it says (-want +got):\n%s", diff)
	}
}

// The layers of an image have to be there if it is published, or if something is made of it.
func TestForecast_Wanted(t *testing.T) {
	w := newWorld(t)
	wanted := func(f *forecast.Forecast) (out []string) {
		for _, image := range f.Images {
			if f.Wanted(image.Source, image.Platform) {
				out = append(out, image.Source.Name)
			}
		}
		return out
	}
	if diff := cmp.Diff([]string{"tools", "copies", "mounts"}, wanted(w.forecast(t, builder))); diff != "" {
		t.Errorf("before anything is built (-want +got):\n%s", diff)
	}
	w.make(t, builder)
	w.lost[w.find(t, w.forecast(t, builder), "tools", "compile").Result] = true
	// A step of the builder that is to be written is nothing that anybody needs.
	if diff := cmp.Diff([]string{"copies", "mounts"}, wanted(w.forecast(t, builder))); diff != "" {
		t.Errorf("when everything is known (-want +got):\n%s", diff)
	}
}

// Images that take from each other, one after the other, are wanted one after the other. That ends.
func TestNew_wantEnds(t *testing.T) {
	var b strings.Builder
	b.WriteString("  i0:\n    from: \"debian:12\"\n    publish: false\n    steps: [{ run: make }]\n")
	const last = 30
	for i := 1; i <= last; i++ {
		fmt.Fprintf(&b, "  i%d:\n    from: \"debian:12\"\n    publish: %t\n    steps: [{ files: { image: i%d, from: /x, to: /x } }]\n", i, i == last, i-1)
	}
	images := b.String()
	w := newWorld(t)
	w.make(t, images)
	if f := w.forecast(t, images); f.NeedsEngine() {
		t.Errorf("it says %q", w.said(f))
	}
	w.lost[w.find(t, w.forecast(t, images), "i0", "make").Result] = true
	f := w.forecast(t, strings.Replace(images, "from: /x", "from: /y", 1))
	if !f.NeedsEngine() {
		t.Errorf("what it takes from is lost, and it says %q", w.said(f))
	}
}

// What cannot be told is an error that says which step it is about.
func TestNew_errors(t *testing.T) {
	gone := errors.New("gone")
	for _, test := range []struct {
		name, images string
		spoil        func(w *world)
		want         string
	}{
		{"a base", chain, func(w *world) {
			w.Base = func(context.Context, *family.Image, *family.ImageSource, string, ocispec.Platform) (*forecast.Base, error) {
				return nil, gone
			}
		}, "gone"},
		{"a file of a URL", "  a:\n    from: scratch\n    steps: [{ repo: { url: \"https://h.test/x\", to: /x } }]\n", func(w *world) {
			w.Fetch = func(context.Context, *family.Image, int) ([]byte, error) { return nil, gone }
		}, "[a 1/1] repo https://h.test/x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			test.spoil(w)
			_, err := forecast.New(t.Context(), w.load(t, test.images), w.platforms, w.Sources)
			if !errors.Is(err, gone) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
		})
	}
	t.Run("the end of the context", func(t *testing.T) {
		w := newWorld(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		w.Record = func(*family.Image, digest.Digest) (record.Record, bool) {
			cancel(gone)
			return record.Record{}, false
		}
		if _, err := forecast.New(ctx, w.load(t, chain), w.platforms, w.Sources); !errors.Is(err, gone) {
			t.Errorf("the error is %v", err)
		}
	})
}
