package build

import (
	"os"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// Each part of a request makes another one.
func TestRequest_digest(t *testing.T) {
	digestOf := func(change func(*request)) digest.Digest {
		t.Helper()
		r := request{
			Format: 1, Program: "p", Platforms: []string{"linux/amd64"}, Machine: "amd64", Created: time.Unix(0, 0).UTC(),
			Images: map[string]string{"a": "1"}, References: map[string][]string{"a": {"r/a:1"}}, Bases: map[string]digest.Digest{"b": "sha256:1"},
		}
		change(&r)
		d, err := r.digest()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	seen := map[digest.Digest]string{digestOf(func(*request) {}): "nothing"}
	for name, change := range map[string]func(*request){
		"the format":       func(r *request) { r.Format++ },
		"the program":      func(r *request) { r.Program = "q" },
		"the platforms":    func(r *request) { r.Platforms = nil },
		"the machine":      func(r *request) { r.Machine = "arm64" },
		"the engine":       func(r *request) { r.Engine = "tcp://e:1" },
		"the time":         func(r *request) { r.Created = time.Unix(1, 0) },
		"an input":         func(r *request) { r.Images["a"] = "2" },
		"another image":    func(r *request) { r.Images["b"] = "1" },
		"a reference":      func(r *request) { r.References["a"][0] = "r/a:2" },
		"one more":         func(r *request) { r.References["a"] = append(r.References["a"], "r/a:2") },
		"a base":           func(r *request) { r.Bases["b"] = "sha256:2" },
		"the policy":       func(r *request) { r.Policy = []byte("x") },
		"no known program": func(r *request) { r.Program = "" },
	} {
		d := digestOf(change)
		if other, ok := seen[d]; ok {
			t.Errorf("%s makes the same request as %s", name, other)
		}
		seen[d] = name
	}
	if seen[""] != "no known program" {
		t.Error("without a known program, there is a request")
	}
	if d := digestOf(func(r *request) { r.Bases["c"] = "" }); d != "" {
		t.Error("with a base that is not known, there is a request")
	}
}

// A build answers a request again only if it asked for the same and all of its blobs are there.
func TestUnchanged(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(p project, b layout.Build, s *settings)
		same   bool
	}{
		{"nothing changed", func(project, layout.Build, *settings) {}, true},
		{"a later build of something else", func(p project, _ layout.Build, _ *settings) { p.build("alone") }, true},
		{"another file", func(p project, _ layout.Build, _ *settings) { p.write("app", "other") }, false},
		{"everything is to run again", func(_ project, _ layout.Build, s *settings) { s.NoCache = true }, false},
		{"another platform", func(_ project, _ layout.Build, s *settings) {
			s.Platforms = []ocispec.Platform{{OS: "linux", Architecture: "arm64"}}
		}, false},
		{"another time", func(_ project, _ layout.Build, s *settings) { s.Created = time.Unix(1, 0) }, false},
		{"another engine", func(_ project, _ layout.Build, s *settings) { s.Engine.Address = "tcp://127.0.0.1:1" }, false},
		{"a damaged manifest", func(p project, b layout.Build, _ *settings) { p.damage(b.Images[0].Descriptor.Digest) }, false},
		{"no config", func(p project, b layout.Build, _ *settings) {
			manifest, err := p.from.Manifest(b.Images[0].Descriptor)
			noError(p.t, err)
			noError(p.t, os.Remove(p.from.Blobs().Path(manifest.Config.Digest)))
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newProject(t)
			s, err := Options{Cache: p.cache, Platforms: []ocispec.Platform{amd64}}.settings()
			noError(t, err)
			b := p.build()
			b.Request = p.request(s)
			b, err = p.from.Add(t.Context(), b)
			noError(t, err)
			test.change(p, b, &s)
			result, err := s.unchanged(t.Context(), p.family(), p.from)
			noError(t, err)
			switch {
			case !test.same && result != nil:
				t.Errorf("%s answers", result.Same)
			case test.same && (result == nil || result.Same.Number != b.Number || len(result.Images) != 3):
				t.Errorf("got %+v, want the images of %s", result, b)
			}
			if last, err := p.from.Builds(); test.same && (err != nil || last[0].Request != b.Request) {
				t.Errorf("the last build is %s (%v)", last[0], err)
			}
		})
	}
}

// request returns what a build of the whole family asks for.
func (p project) request(s settings) digest.Digest {
	p.t.Helper()
	inputs, err := inputs(p.t.Context(), p.family(), s.layers, s.Platforms)
	noError(p.t, err)
	r, err := s.requestOf(p.family(), s.Platforms, inputs, map[string]digest.Digest{})
	noError(p.t, err)
	d, err := r.digest()
	noError(p.t, err)
	return d
}

// damage changes a blob.
func (p project) damage(d digest.Digest) {
	p.t.Helper()
	name := p.from.Blobs().Path(d)
	noError(p.t, os.Chmod(name, 0o644))
	noError(p.t, os.WriteFile(name, []byte("x"), 0o644))
}

// What a URL has now, no request says.
func TestSettings_hasRequest(t *testing.T) {
	with := func(steps ...family.Step) []*family.Family {
		return []*family.Family{{}, {Images: []*family.Image{{}, {Steps: steps}}}}
	}
	for _, test := range []struct {
		name     string
		families []*family.Family
		want     bool
	}{
		{"no steps", with(), true},
		{"a pinned file", with(family.Run{}, family.Fetch{SHA256: "00"}), true},
		{"a file of a URL, for one of the platforms", with(family.Run{}, family.Fetch{}), false},
	} {
		if got := (settings{families: test.families}).hasRequest(); got != test.want {
			t.Errorf("%s: got %t", test.name, got)
		}
	}
}
