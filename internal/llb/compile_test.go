package llb_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/solver/pb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

const small = `version: 1
name: f
registry: example.com/f
tag: "1"
images:
  base:
    from: docker.io/library/fedora:20
    labels: { a: b }
    env: { COLOUR: red }
    steps:
      - repo: { url: "https://example.com/x.repo", to: /etc/yum.repos.d/x.repo }
      - yum: { groups: [server] }
      - run: |
          echo one
          echo two
      - files: { from: ., to: /opt }
  role:
    from: base
    entrypoint: [/bin/true]
    steps:
      - files: { from: ., to: /srv }
  other:
    from: base
    user: nobody
    steps:
      - yum: { packages: [vim] }
`

var opts = llb.Options{
	SpecFile: "f.yaml",
	Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"},
	Created:  time.Unix(0, 0).UTC(),
}

func base() llb.Base {
	return llb.Base{
		Reference: "docker.io/library/fedora:20@" + string(digest.FromString("fedora")),
		Config: dockerspec.DockerOCIImage{
			Image: ocispec.Image{
				Author:  "somebody",
				History: []ocispec.History{{CreatedBy: "FROM nothing"}},
				RootFS:  ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{"sha256:base"}},
			},
			Config: dockerspec.DockerOCIImageConfig{ImageConfig: ocispec.ImageConfig{
				Env: []string{"PATH=/bin", "COLOUR=blue"}, Cmd: []string{"/bin/bash"}, Entrypoint: []string{"/init"},
			}},
		},
	}
}

func resolve(t testing.TB, text string) *family.Family {
	t.Helper()
	s, err := spec.Parse("f.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := family.Resolve(s, family.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// made stands for the layer of a step: the package only looks at digests and paths.
func made(name string) layer.Layer {
	return layer.Layer{
		Blob:    ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: digest.FromString("blob " + name)},
		DiffID:  digest.FromString("diff " + name),
		Image:   digest.FromString("image " + name),
		Entries: []layer.Entry{{Path: "/opt", Info: layer.Info{Mode: 0o755 | 1<<31}}, {Path: "/opt/x", Info: layer.Info{Mode: 0o644}}},
	}
}

// compileAll compiles all images of a family.
func compileAll(t testing.TB, f *family.Family) map[string]llb.Image {
	t.Helper()
	out := map[string]llb.Image{}
	for _, source := range f.Images {
		image, err := llb.New(source, base(), opts)
		if source.Parent != nil {
			image, err = out[source.Parent.Name].Child(source)
		}
		if err != nil {
			t.Fatal(err)
		}
		for at, step := range source.Steps {
			switch step.(type) {
			case family.Fetch, family.Files:
				image = image.AddLayer(made(llb.StepName(source, at)))
			default:
				next, err := image.AddCommand()
				if err != nil {
					t.Fatal(err)
				}
				image = next
			}
		}
		out[source.Name] = image
	}
	return out
}

func definition(t testing.TB, image llb.Image) *pb.Definition {
	t.Helper()
	def, err := image.SolveTarget().Definition(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return def
}

// operations returns the vertices of a definition, in the order of their bytes in it.
func operations(t testing.TB, def *pb.Definition) []*pb.Op {
	t.Helper()
	var out []*pb.Op
	for _, data := range def.Def {
		op := new(pb.Op)
		if err := op.UnmarshalVT(data); err != nil {
			t.Fatal(err)
		}
		out = append(out, op)
	}
	return out
}

func TestDefinition_isDeterministic(t *testing.T) {
	marshal := func() []byte {
		images := compileAll(t, resolve(t, small))
		var b bytes.Buffer
		for _, name := range []string{"base", "role", "other"} {
			def := definition(t, images[name])
			// Two calls of a protobuf marshaller need not agree; BuildKit identifies vertices by the bytes in Def.
			for _, op := range def.Def {
				b.Write(op)
			}
			metadata, err := json.Marshal(def.Metadata) // sorted by key, unlike a map in protobuf
			if err != nil {
				t.Fatal(err)
			}
			config, err := images[name].Config(base().Config)
			if err != nil {
				t.Fatal(err)
			}
			data, err := json.Marshal(config)
			if err != nil {
				t.Fatal(err)
			}
			b.Write(metadata)
			b.Write(data)
		}
		return b.Bytes()
	}
	first := marshal()
	for i := range 25 {
		if !bytes.Equal(first, marshal()) {
			t.Fatalf("marshalling for the %dth time gave other bytes", i+2)
		}
	}
}

// names returns the names of a definition's vertices and where each points into the spec.
func names(t *testing.T, def *pb.Definition) map[string]string {
	t.Helper()
	out := map[string]string{}
	for dgst, meta := range def.Metadata {
		name := meta.Description["llb.customname"]
		var lines []string
		for _, l := range def.Source.Locations[string(dgst)].GetLocations() {
			for _, r := range l.Ranges {
				lines = append(lines, fmt.Sprintf("%d-%d", r.Start.Line, r.End.Line))
			}
		}
		if name != "" {
			out[name] = strings.Join(lines, ",")
		}
	}
	return out
}

func TestDefinition_namesAndPlaces(t *testing.T) {
	images := compileAll(t, resolve(t, small))
	want := map[string]string{
		"[base] from docker.io/library/fedora:20":               "7-7",
		"[base 1/4] repo https://example.com/x.repo, its layer": "11-11",
		"[base 1/4] repo https://example.com/x.repo, copied in": "11-11",
		"[base 2/4] yum groupinstall server":                    "12-12",
		"[base 2/4] yum groupinstall server, its layer":         "12-12",
		"[base 3/4] run echo one …":                             "13-15",
		"[base 3/4] run echo one …, its layer":                  "13-15",
		"[base] put the layers together":                        "6-17",
	}
	got := names(t, definition(t, images["base"]))
	delete(got, "") // the end of a definition
	for name, lines := range got {
		if want[name] == "" {
			t.Errorf("unexpected vertex %q at lines %s", name, lines)
		}
	}
	for name, lines := range want {
		first, _, _ := strings.Cut(got[name], "-")
		wantFirst, _, _ := strings.Cut(lines, "-")
		if first != wantFirst {
			t.Errorf("vertex %q points to lines %q, want %q", name, got[name], lines)
		}
	}
}

func TestSolveTarget_isShared(t *testing.T) {
	images := compileAll(t, resolve(t, small))
	if images["role"].SolveTarget() != images["base"].SolveTarget() {
		t.Error("a role that only adds files does not share its base's solve target")
	}
	if images["other"].SolveTarget() == images["base"].SolveTarget() {
		t.Error("a role that runs a command shares its base's solve target")
	}
	if got := len(images["base"].AppendedLayers()); got != 1 {
		t.Errorf("the base has %d layers above its last command, want 1", got)
	}
	if got := len(images["role"].AppendedLayers()); got != 2 {
		t.Errorf("the role has %d layers above the last command, want 2", got)
	}
	if got := len(images["other"].AppendedLayers()); got != 0 {
		t.Errorf("an image that ends with a command has %d layers above it, want 0", got)
	}
}

func TestDefinition_layersHaveNoInputs(t *testing.T) {
	def := definition(t, compileAll(t, resolve(t, small))["other"])
	layers := 0
	for _, op := range operations(t, def) {
		source := op.GetSource()
		if source == nil || !strings.HasPrefix(source.Identifier, "oci-layout://") {
			continue
		}
		layers++
		if len(op.Inputs) > 0 {
			t.Errorf("%s has %d inputs, want none", source.Identifier, len(op.Inputs))
		}
	}
	if layers != 2 {
		t.Errorf("the image is put together of %d ready-made layers, want 2", layers)
	}
}

func TestDefinition_keepsCachedCommands(t *testing.T) {
	execs := func(text string) []string {
		def := definition(t, compileAll(t, resolve(t, text))["other"])
		var out []string
		for i, op := range operations(t, def) {
			if op.GetExec() != nil {
				out = append(out, digest.FromBytes(def.Def[i]).String())
			}
		}
		return out
	}
	before := execs(small)
	if len(before) != 3 {
		t.Fatalf("%d commands, want 3", len(before))
	}
	for _, test := range []struct {
		name, from, to string
		same           int // how many commands are the same as before
	}{
		{"labels", "images:\n  base:\n    from: docker.io/library/fedora:20\n    labels: { a: b }", "labels: { r: s }\nimages:\n  base:\n    from: docker.io/library/fedora:20\n    labels: { a: c }", 3},
		{"the files after the last command of the base", "to: /opt", "to: /usr/opt", 2}, // the role's command runs on them
		{"the second command", "echo two", "echo three", 1},
		{"the environment", "COLOUR: red", "COLOUR: green", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			after := execs(strings.Replace(small, test.from, test.to, 1))
			same := 0
			for _, exec := range after {
				if slices.Contains(before, exec) {
					same++
				}
			}
			if same != test.same {
				t.Errorf("%d commands stay the same, want %d", same, test.same)
			}
		})
	}
}

func TestConfig_extendsBase(t *testing.T) {
	images := compileAll(t, resolve(t, small))
	solved := dockerspec.DockerOCIImage{Image: ocispec.Image{
		RootFS:  ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{"sha256:base", "sha256:solved"}},
		History: []ocispec.History{{CreatedBy: "the solved part"}},
	}}
	got, err := images["role"].Config(solved)
	if err != nil {
		t.Fatal(err)
	}
	var history []string
	for _, h := range got.History {
		history = append(history, h.CreatedBy)
	}
	if diff := cmp.Diff([]string{"the solved part", "COPY /opt/x # copy . to /opt", `ENTRYPOINT ["/bin/true"]`, "COPY /srv/x # copy . to /srv"}, history); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	want := dockerspec.DockerOCIImageConfig{ImageConfig: ocispec.ImageConfig{
		Env: []string{"PATH=/bin", "COLOUR=red"}, Labels: map[string]string{"a": "b"}, Entrypoint: []string{"/bin/true"},
	}}
	if diff := cmp.Diff(want, got.Config); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	if got.Author != "" || got.Architecture != "amd64" || len(got.RootFS.DiffIDs) != 4 {
		t.Errorf("author %q, architecture %q, %d layers; want none, amd64 and 4", got.Author, got.Architecture, len(got.RootFS.DiffIDs))
	}
}

func TestConfig_refusesMissingBaseLayers(t *testing.T) {
	images := compileAll(t, resolve(t, small))
	for _, made := range [][]digest.Digest{nil, {"sha256:solved"}, {"sha256:solved", "sha256:base"}} {
		_, err := images["role"].Config(dockerspec.DockerOCIImage{Image: ocispec.Image{RootFS: ocispec.RootFS{DiffIDs: made}}})
		if err == nil || !strings.Contains(err.Error(), "without all layers of its base") {
			t.Errorf("%v: got error %v, want one that says what is missing", made, err)
		}
	}
}

func TestAddCommand_noDiffOnBaseAlone(t *testing.T) {
	images := compileAll(t, resolve(t, `
version: 1
name: f
registry: example.com/f
tag: "1"
images:
  bare: { from: "fedora:20", steps: [{ run: "true" }, { run: "false" }] }
  filed: { from: "fedora:20", steps: [{ files: { from: x, to: /x } }, { run: "true" }] }
`))
	for name, want := range map[string]int{"bare": 0, "filed": 1} {
		got := 0
		for _, op := range operations(t, definition(t, images[name])) {
			if op.GetDiff() != nil {
				got++
			}
		}
		if got != want {
			t.Errorf("%s has %d differences, want %d", name, got, want)
		}
	}
}

func TestAddLayer_emptyLayer(t *testing.T) {
	f := resolve(t, `
version: 1
name: f
registry: example.com/f
tag: "1"
images: { image: { from: "fedora:20", steps: [{ files: { from: x, to: /x } }, { run: "true" }] } }
`)
	empty := made("empty")
	empty.Entries = nil
	root, err := llb.New(f.Images[0], base(), opts)
	if err != nil {
		t.Fatal(err)
	}
	image, err := root.AddLayer(empty).AddCommand()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, op := range operations(t, definition(t, image)) {
		kinds[fmt.Sprintf("%T", op.Op)]++
	}
	// The difference is not one to the base itself, but to what the layer made of it.
	if kinds["*pb.Op_Diff"] != 1 || kinds["*pb.Op_File"] != 1 {
		t.Errorf("the image is made by %v", kinds)
	}
}
