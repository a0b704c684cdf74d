package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containerd/platforms"
	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/download"
	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/pkg/family"
)

func TestPlan_sharesTargets(t *testing.T) {
	engine := newFakeEngine(t)
	p := newPlanner(t, roles, engine, amd64, arm64)
	planned := mustPlan(t, p)
	var targets, images []string
	for _, target := range planned.targets {
		targets = append(targets, target.id)
	}
	for _, image := range planned.images {
		images = append(images, fmt.Sprintf("%s on %s, %d appended", image.name(), planned.targets[image.target].id, len(image.image.AppendedLayers())))
		if got := planned.targets[image.target].platform; platforms.Format(got) != platforms.Format(image.platform) {
			t.Errorf("the target of %s is for %s", image.name(), platforms.Format(got))
		}
	}
	wantTargets := []string{"base@linux/amd64", "base@linux/arm64", "tool@linux/amd64", "tool@linux/arm64", "data@linux/amd64", "data@linux/arm64"}
	if diff := cmp.Diff(wantTargets, targets); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	wantImages := []string{
		"base@linux/amd64 on base@linux/amd64, 1 appended", "base@linux/arm64 on base@linux/arm64, 1 appended",
		"web@linux/amd64 on base@linux/amd64, 2 appended", "web@linux/arm64 on base@linux/arm64, 2 appended",
		"worker@linux/amd64 on base@linux/amd64, 2 appended", "worker@linux/arm64 on base@linux/arm64, 2 appended",
		"tool@linux/amd64 on tool@linux/amd64, 0 appended", "tool@linux/arm64 on tool@linux/arm64, 0 appended",
		"data@linux/amd64 on data@linux/amd64, 1 appended", "data@linux/arm64 on data@linux/arm64, 1 appended",
	}
	if diff := cmp.Diff(wantImages, images); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
	pinned := "docker-image://" + debian + "@" + digest.FromString(debian).String()
	for i, target := range planned.targets {
		if got, want := slices.Contains(sourcesOf(target.def), pinned), i < 4; got != want {
			t.Errorf("the target %s is based on %s: %t, want %t", target.id, pinned, got, want)
		}
	}
	// A base is looked up once for each platform, however many images are based on it.
	if diff := cmp.Diff(map[string]int{debian + " linux/amd64": 1, debian + " linux/arm64": 1}, engine.asked); diff != "" {
		t.Errorf("bases that the engine was asked for (-want +got):\n%s", diff)
	}
}

func TestPlan_childInheritsLayers(t *testing.T) {
	planned := mustPlan(t, newPlanner(t, roles, newFakeEngine(t), amd64))
	byName := map[string]platformImage{}
	for _, image := range planned.images {
		byName[image.source.Name] = image
	}
	parent := byName["base"].image.AppendedLayers()
	for _, name := range []string{"web", "worker"} {
		child := byName[name].image.AppendedLayers()
		if len(child) != 2 || child[0].DiffID != parent[0].DiffID || child[1].DiffID == parent[0].DiffID {
			t.Errorf("%s has not its own layer on top of that of base", name)
		}
	}
	for path, want := range map[string][]string{
		"/etc/base.repo":   {"base", "web", "worker"},
		"/etc/web.repo":    {"web"},
		"/etc/worker.repo": {"worker"},
		"/data.repo":       {"data"},
		"/etc/os-release":  {"base", "tool", "web", "worker"},
	} {
		var got []string
		for _, name := range slices.Sorted(maps.Keys(byName)) {
			info, err := layer.Lookup(t.Context(), byName[name].tree, path)
			if err != nil {
				t.Fatal(err)
			}
			if info != nil {
				got = append(got, name)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("images that have %s (-want +got):\n%s", path, diff)
		}
	}
}

func TestPlan_fetchesEachFileOnce(t *testing.T) {
	const fetching = specHeader + `  base: { from: "debian:12", steps: [repo: { url: "https://h/a.repo", to: /etc/a.repo }] }
  role: { from: base, steps: [repo: { url: "https://h/b.repo", to: /etc/b.repo }] }
`
	engine := newFakeEngine(t)
	p := newPlanner(t, fetching, engine, amd64, arm64)
	planned := mustPlan(t, p)
	for _, url := range []string{"https://h/a.repo", "https://h/b.repo"} {
		if engine.sources[url] != 2 {
			t.Errorf("%s was fetched %d times, want once for each platform", url, engine.sources[url])
		}
	}
	var made []layer.Layer
	for _, image := range planned.images {
		made = append(made, image.image.AppendedLayers()...)
	}
	// The same content makes the same layer: in the child as in the parent, for one platform as for the other.
	for at, same := range map[int]int{1: 0, 2: 0, 4: 0, 5: 3} {
		if made[at].DiffID != made[same].DiffID {
			t.Errorf("layer %d is another one than layer %d", at, same)
		}
	}
	if made[3].DiffID == made[0].DiffID {
		t.Error("two files are in the same layer")
	}
}

func TestPlan_announcesFileSteps(t *testing.T) {
	p := newPlanner(t, roles, newFakeEngine(t), amd64)
	for _, cached := range []bool{false, true} {
		got := map[string]bool{}
		steps := make(chan func(), 10)
		p.announce = func(name string, _ time.Time, cached bool) { steps <- func() { got[name] = cached } }
		mustPlan(t, p)
		close(steps)
		for step := range steps {
			step()
		}
		want := map[string]bool{}
		for _, image := range p.family.Images {
			for at, step := range image.Steps {
				if !runsCommand(step) {
					want[llb.StepName(image, at)] = cached
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("steps, and whether they were cached (-want +got):\n%s", diff)
		}
	}
}

func TestPlan_errors(t *testing.T) {
	files := func(to string) string {
		return specHeader + "  a: { from: \"debian:12\", steps: [repo: { id: r, baseurl: \"http://h/\", to: " + to + " }] }\n"
	}
	const fetching = specHeader + `  a: { from: "debian:12", steps: [run: "true", repo: { url: "https://h/r", to: /r }] }` + "\n"
	const starting = specHeader + "  a:\n    from: \"debian:12\"\n    steps: [helpers: [exec]]\n    start: { user: app, command: [/bin/app] }\n"
	for _, test := range []struct {
		name   string
		spec   string
		engine func(e *fakeEngine)
		as     any
		want   string
	}{
		{"a base that cannot be found", roles, func(e *fakeEngine) { e.fails["docker-image://"+debian] = errors.New(debian + ": not found") },
			new(*BaseError), "looking up " + debian + ", which base is based on: " + debian + ": not found"},
		{"a base for another platform", roles, func(e *fakeEngine) { e.platform = func(p *ocispec.Platform) { p.Architecture = "s390x" } },
			new(*BaseError), "looking up " + debian + ", which base is based on: it is for linux/s390x, not for linux/amd64"},
		{"a base without a config", roles, func(e *fakeEngine) { e.config = func([]byte) []byte { return []byte("<html>") } },
			new(*BaseError), "which base is based on: reading its config: "},
		{"too many layers", roles, func(e *fakeEngine) { e.layers = family.MaxLayers - 2 }, new(*LayersError), "web would have 126 layers: 123 of " + debian},
		{"a user that the start cannot use", starting, func(e *fakeEngine) { e.user = "nobody" }, new(*llb.ConfigError), "its containers begin as the user nobody"},
		{"an engine that fails to solve a tree", files("/etc/x"), func(e *fakeEngine) {
			e.fails["docker-image://"+debian+"@"+digest.FromString(debian).String()] = errGone
		}, new(*StepError), "[a 1/1] repo r: finding the place of /etc/x: the engine is gone"},
		{"a file in place of a directory", files("/etc/os-release/x"), nil, new(*StepError), "/etc/os-release is not a directory in the image below"},
		{"a reserved path by way of a link", files("/link/pulp-helper"), func(e *fakeEngine) {
			if err := os.Symlink("usr/bin", e.path("link")); err != nil {
				panic(err)
			}
		}, new(*ReservedError), "a file of the step would be at /usr/bin/pulp-helper, which is reserved"},
		{"a fetch that fails", fetching, func(e *fakeEngine) { e.fails["https://h/r"] = errGone }, new(*StepError), "[a 2/2] repo https://h/r: the engine is gone"},
		{"a fetched file that is too large", fetching, func(e *fakeEngine) { e.size = download.MaxSize + 1 }, new(*StepError), "it has 16 MB, and the step is for files up to 16 MB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			engine := newFakeEngine(t)
			if test.engine != nil {
				test.engine(engine)
			}
			_, err := newPlanner(t, test.spec, engine, amd64).plan(t.Context())
			if err == nil || !errors.As(err, test.as) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %T: %v\nwant %T: %s", err, err, test.as, test.want)
			}
		})
	}
}

func TestPlan_oneBaseOfTwoPlatformsIsMissing(t *testing.T) {
	engine := newFakeEngine(t)
	engine.config = func(data []byte) []byte { return []byte(strings.ReplaceAll(string(data), "arm64", "riscv64")) }
	_, err := newPlanner(t, roles, engine, amd64, arm64).plan(t.Context())
	var base *BaseError
	if !errors.As(err, &base) || !strings.Contains(err.Error(), "it is for linux/riscv64, not for linux/arm64") {
		t.Errorf("got %v", err)
	}
}

func TestPlan_needs(t *testing.T) {
	need := family.Need{Paths: []string{"/usr/bin/augtool", "/opt/augtool"}, Missing: "the image has no augtool"}
	for _, test := range []struct {
		name  string
		file  string
		fails error
		want  string
		unmet bool
	}{
		{"one of the paths", "opt/augtool", nil, "", false},
		{"none of the paths", "usr/bin/other", nil, "tool: the image has no augtool", true},
		{"an engine that fails", "opt/augtool", errGone, "looking into tool: looking for /usr/bin/augtool: the engine is gone", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			engine := newFakeEngine(t, test.file)
			engine.fails["docker-image://"+debian+"@"+digest.FromString(debian).String()] = test.fails
			p := newPlanner(t, specHeader+"  tool: { from: \"debian:12\", steps: [run: tool] }\n", engine, amd64)
			p.family.Images[0].Needs = []family.Need{need}
			_, err := p.plan(t.Context())
			var unmet *NeedError
			if test.want == "" && err != nil || test.want != "" && (err == nil || err.Error() != test.want) || errors.As(err, &unmet) != test.unmet {
				t.Errorf("got %T: %v, want %q", err, err, test.want)
			}
		})
	}
}

func TestPlan_interrupted(t *testing.T) {
	interrupted := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(interrupted)
	if _, err := newPlanner(t, roles, newFakeEngine(t), amd64).plan(ctx); !errors.Is(err, interrupted) && !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that the context has ended", err)
	}
}

func TestPlanSolve_result(t *testing.T) {
	engine := newFakeEngine(t)
	planned := mustPlan(t, newPlanner(t, roles, engine, amd64, arm64))
	for _, evaluate := range []bool{false, true} {
		engine.evaluated = 0
		result, err := planned.solve(t.Context(), engine, evaluate)
		if err != nil {
			t.Fatal(err)
		}
		if want := map[bool]int{true: len(planned.targets)}[evaluate]; engine.evaluated != want {
			t.Errorf("%d references were evaluated, want %d", engine.evaluated, want)
		}
		var list exptypes.Platforms
		if err := json.Unmarshal(result.Metadata[exptypes.ExporterPlatformsKey], &list); err != nil {
			t.Fatal(err)
		}
		if len(list.Platforms) != len(planned.targets) || len(result.Refs) != len(planned.targets) {
			t.Fatalf("%d platforms and %d references for %d targets", len(list.Platforms), len(result.Refs), len(planned.targets))
		}
		for i, target := range planned.targets {
			if got := list.Platforms[i]; got.ID != target.id || got.Platform.Architecture != target.platform.Architecture {
				t.Errorf("part %d of the result is %v, want %s", i, got, target.id)
			}
			if got := result.Metadata[exptypes.ExporterImageConfigKey+"/"+target.id]; string(got) != string(target.config) {
				t.Errorf("the config of %s is %s", target.id, got)
			}
			if ref, ok := result.Refs[target.id].(*fakeRef); !ok || !cmp.Equal(ref.sources, sourcesOf(target.def)) {
				t.Errorf("the reference of %s is of another definition", target.id)
			}
		}
	}
}

func TestPlanSolve_errors(t *testing.T) {
	engine := newFakeEngine(t)
	planned := mustPlan(t, newPlanner(t, roles, engine, amd64))
	engine.evaluate = errGone
	if _, err := planned.solve(t.Context(), engine, false); err != nil {
		t.Errorf("without an evaluation: %v", err)
	}
	if _, err := planned.solve(t.Context(), engine, true); !errors.Is(err, errGone) {
		t.Errorf("got %v, want the error of the evaluation", err)
	}
	engine.fails[sourcesOf(planned.targets[0].def)[0]] = errGone
	if _, err := planned.solve(t.Context(), engine, false); !errors.Is(err, errGone) {
		t.Errorf("got %v, want the error of the solve", err)
	}
}
