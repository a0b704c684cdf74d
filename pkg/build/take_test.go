package build

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/solver/pb"

	"github.com/pulpimg/pulpimg/internal/layer"
)

// takingPlanner returns a planner whose engine sends an archive, and a counter of how often it was asked to.
func takingPlanner(t *testing.T, spec string, engine *fakeEngine, data []byte) (planner, *int) {
	t.Helper()
	p := newPlanner(t, spec, engine, amd64)
	var err error
	if p.taken, err = newTakenCache(p.opts.layers.Blobs().Root(), nil, false); err != nil {
		t.Fatal(err)
	}
	calls := 0
	p.taker = func(_ context.Context, _ *pb.Definition, into io.Writer) error {
		calls++
		_, err := into.Write(data)
		return err
	}
	return p, &calls
}

// entriesOf returns the entries of the last layer of an image.
func entriesOf(t *testing.T, p plan, name string) []string {
	t.Helper()
	at := slices.IndexFunc(p.images, func(i platformImage) bool { return i.source.Name == name })
	layers := p.images[at].image.AppendedLayers()
	var out []string
	for _, e := range layers[len(layers)-1].Entries {
		text := e.Mode.String() + " " + e.Path
		if e.Link != "" {
			text += " -> " + e.Link
		}
		out = append(out, text)
	}
	return out
}

const copying = specHeader + `  build:
    publish: false
    from: "debian:12"
    steps: [run: make]
  app:
    from: scratch
    steps:
      - files: { image: build, from: %, to: %}
`

func copyOf(from, rest string) string {
	return strings.Replace(strings.Replace(copying, "%", from, 1), "%", rest, 1)
}

func TestPlan_copies(t *testing.T) {
	engine := newFakeEngine(t, "out/app", "out/app.conf", "out/sub/x")
	data := archive(t,
		tar.Header{Name: "taken/0/app", Typeflag: tar.TypeReg, Mode: 0o755, Uid: 7},
		tar.Header{Name: "taken/0/sub", Typeflag: tar.TypeDir, Mode: 0o700},
		tar.Header{Name: "taken/0/sub/x", Typeflag: tar.TypeLink, Linkname: "taken/0/app"},
	)
	p, calls := takingPlanner(t, copyOf("/out", "/data "), engine, data)
	want := []string{"drwxr-xr-x /data", "-rwxr-xr-x /data/app", "drwx------ /data/sub", "-rwxr-xr-x /data/sub/x -> /data/app"}
	first := mustPlan(t, p)
	if diff := cmp.Diff(want, entriesOf(t, first, "app")); diff != "" {
		t.Errorf("the layer (-want +got):\n%s", diff)
	}
	if len(first.targets) != 1 || len(first.images) != 1 || len(first.checks) != 0 {
		t.Errorf("%d targets of %d images and %d checks, want those of app alone", len(first.targets), len(first.images), len(first.checks))
	}
	// The image that is taken from has not changed, so the engine is not even asked.
	p.taker = func(context.Context, *pb.Definition, io.Writer) error { return errors.New("asked again") }
	before := engine.evaluated
	again := mustPlan(t, p)
	if a, b := first.images[0].image.AppendedLayers()[0], again.images[0].image.AppendedLayers()[0]; a.DiffID != b.DiffID || !b.Unlisted {
		t.Errorf("the second time, the layer is %v, want %v without a list", b, a)
	}
	if diff := cmp.Diff(first.targets[0].def.Def, again.targets[0].def.Def); diff != "" {
		t.Errorf("the second time, the definition is another one:\n%s", diff)
	}
	// Who asks what is in the layer is told.
	if info, err := layer.Lookup(t.Context(), again.images[0].tree, "/data/sub"); err != nil || info == nil || info.Mode.Perm() != 0o700 {
		t.Errorf("/data/sub is %v, %v", info, err)
	}
	if *calls != 1 || engine.evaluated != before {
		t.Errorf("the engine was asked %d times", *calls)
	}
	fresh := p
	fresh.taken = &takenCache{dir: p.taken.dir, fresh: true}
	if _, err := fresh.plan(t.Context()); err == nil || !strings.Contains(err.Error(), "asked again") {
		t.Errorf("without what is known: %v, want that the engine is asked", err)
	}
}

func TestPlan_copyErrors(t *testing.T) {
	for _, test := range []struct{ name, spec, want string }{
		{"what is not there", copyOf("/out/none", "/x "), "[app 1/1] copy /out/none of build to /x: taking /out/none of build: there is no such file in the image"},
		{"a pattern that matches nothing", copyOf("\"/out/*.none\"", "/x/ "), "there is no such file in the image"},
		{"several to one name", copyOf("\"/out/app*\"", "/x "), "/out/app* stands for 2 files of build: write / at the end of /x, a directory for them"},
		{"a mode for a directory", copyOf("/out", "/x, mode: \"0600\" "), "/out of build is a directory, and mode is for a single file: the files of a directory keep their modes"},
		{"a place of the start", copyOf("/out/app", "/usr/share/pulp "), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			engine := newFakeEngine(t, "out/app", "out/app.conf")
			data := archive(t, tar.Header{Name: "taken/0", Typeflag: tar.TypeReg}, tar.Header{Name: "taken/1", Typeflag: tar.TypeReg})
			if test.want == "" || strings.Contains(test.name, "directory") {
				data = archive(t, tar.Header{Name: "taken/0", Typeflag: tar.TypeReg})
			}
			if strings.Contains(test.name, "directory") {
				data = archive(t, tar.Header{Name: "taken/0/app", Typeflag: tar.TypeReg})
			}
			p, _ := takingPlanner(t, test.spec, engine, data)
			_, err := p.plan(t.Context())
			if test.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

// A symbolic link of the image that is taken from never leads out of it, and one of the image that is copied into is followed there.
func TestPlan_copyLinks(t *testing.T) {
	engine := newFakeEngine(t, "usr/bin/tool")
	for name, target := range map[string]string{"bin": "usr/bin", "escape": "../../../../usr/bin/tool"} {
		if err := os.Symlink(target, engine.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	const spec = specHeader + `  app:
    from: "debian:12"
    steps:
      - files: { image: "debian:12", from: /escape, to: /bin/ }
`
	p, _ := takingPlanner(t, spec, engine, archive(t, tar.Header{Name: "taken/0", Typeflag: tar.TypeReg, Mode: 0o755}))
	got := entriesOf(t, mustPlan(t, p), "app")
	if want := "-rwxr-xr-x /usr/bin/escape"; got[len(got)-1] != want || slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "/bin/escape") && !strings.Contains(s, "/usr") }) {
		t.Errorf("got %v, want %s", got, want)
	}
}

// A device is an error, unless it is left out.
func TestPlan_copyDevices(t *testing.T) {
	data := archive(t, tar.Header{Name: "taken/0/null", Typeflag: tar.TypeChar}, tar.Header{Name: "taken/0/pipe", Typeflag: tar.TypeFifo}, tar.Header{Name: "taken/0/x", Typeflag: tar.TypeReg})
	p, _ := takingPlanner(t, copyOf("/out", "/data "), newFakeEngine(t, "out/x"), data)
	const want = "/out/null of build is a device, a pipe or a socket, which a files step takes from no image: leave it out with exclude, or make it in a run step"
	if _, err := p.plan(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	p, _ = takingPlanner(t, copyOf("/out", "/data, exclude: [\"null\", \"p*\"] "), newFakeEngine(t, "out/x"), data)
	if got := entriesOf(t, mustPlan(t, p), "app"); !slices.Equal(got, []string{"drwxr-xr-x /data", "---------- /data/x"}) {
		t.Errorf("got %v", got)
	}
}

func TestCheckPlaces(t *testing.T) {
	dir, file := os.ModeDir|os.FileMode(0o755), os.FileMode(0o644)
	for _, test := range []struct {
		name  string
		files []layer.File
		want  string
	}{
		{"one directory of two copies", []layer.File{{Path: "/a", Mode: dir}, {Path: "/a/b", Mode: file}, {Path: "/a", Mode: dir}, {Path: "/a/c", Mode: file}}, ""},
		{"two files", []layer.File{{Path: "/a/x", Mode: file}, {Path: "/a/x", Mode: file}}, "this step puts two files at /a/x: use a step for each, of which the later one counts"},
		{"a directory and a file", []layer.File{{Path: "/a", Mode: dir}, {Path: "/a", Mode: file}}, "this step puts two files at /a: use a step for each, of which the later one counts"},
		{"below a file", []layer.File{{Path: "/a/b/c", Mode: file}, {Path: "/a", Mode: file}}, "this step puts /a/b/c below /a, which is no directory"},
	} {
		err := checkPlaces(test.files)
		if test.want == "" && err != nil || test.want != "" && (err == nil || err.Error() != test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

func TestPlan_checks(t *testing.T) {
	engine := newFakeEngine(t)
	const spec = specHeader + "  app: { from: scratch }\n  test: { publish: false, from: \"debian:12\", steps: [run: make test] }\n"
	p, _ := takingPlanner(t, spec, engine, nil)
	planned := mustPlan(t, p)
	if len(planned.checks) != 1 || len(planned.images) != 1 {
		t.Fatalf("%d images and %d checks, want one each", len(planned.images), len(planned.checks))
	}
	engine.evaluate = errGone
	if _, err := planned.solve(t.Context(), engine, false); !errors.Is(err, errGone) {
		t.Errorf("got %v, want the error of the image that is not published", err)
	}
}

func TestPlan_sourceBase(t *testing.T) {
	engine := newFakeEngine(t)
	engine.fails["docker-image://reg.example/tools:1"] = errGone
	const spec = specHeader + "  app: { from: scratch, steps: [files: { image: \"reg.example/tools:1\", from: /a, to: /a }] }\n"
	p, _ := takingPlanner(t, spec, engine, nil)
	_, err := p.plan(t.Context())
	var base *BaseError
	if !errors.As(err, &base) || base.RefusedBy() != "reg.example" || base.at().Start.Line != 6 {
		t.Fatalf("got %v, want an error about the image that is taken from", err)
	}
	const want = "looking up reg.example/tools:1, which app takes files from: the engine is gone"
	if err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestGlob(t *testing.T) {
	tree := memory{"/a": "dir", "/a/one.txt": "", "/a/two.txt": "", "/a/[x]": "", "/b": "dir", "/b/one.txt": "", "/link": "link /a"}
	for _, test := range []struct {
		pattern string
		want    []string
	}{
		{"/a/one.txt", []string{"/a/one.txt"}},
		{"/a/*.txt", []string{"/a/one.txt", "/a/two.txt"}},
		{"/*/one.txt", []string{"/a/one.txt", "/b/one.txt", "/link/one.txt"}},
		{"/link/*.txt", []string{"/link/one.txt", "/link/two.txt"}},
		{`/a/\[x\]`, []string{"/a/[x]"}},
		{"/none/*", nil},
	} {
		got, err := glob(t.Context(), tree.tree(), test.pattern)
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, %v; want %v", test.pattern, got, err, test.want)
		}
	}
	if _, err := glob(t.Context(), tree.tree(), "/a/[x"); err == nil {
		t.Error("a pattern that is none is no error")
	}
}

// memory is a file system: its paths, and what they are.
type memory map[string]string

// tree returns the tree of an engine that has told everything.
func (m memory) tree() *engineTree {
	t := &engineTree{dirs: map[string]*engineDir{"/": {whole: true, names: map[string]*layer.Info{}}}}
	for _, p := range slices.Sorted(maps.Keys(m)) {
		info := &layer.Info{Mode: 0o644}
		switch kind, target, _ := strings.Cut(m[p], " "); kind {
		case "dir":
			info.Mode = os.ModeDir | 0o755
			t.dirs[p] = &engineDir{whole: true, names: map[string]*layer.Info{}}
		case "link":
			info.Mode, info.Target = os.ModeSymlink, target
		}
		at := strings.LastIndexByte(p, '/')
		t.dirs[max(p[:at], "/")].names[p[at+1:]] = info
	}
	return t
}
