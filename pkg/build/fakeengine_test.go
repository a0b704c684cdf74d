package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	fstypes "github.com/tonistiigi/fsutil/types"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/llb"
)

// The platforms of the tests.
var (
	amd64 = ocispec.Platform{OS: "linux", Architecture: "amd64"}
	arm64 = ocispec.Platform{OS: "linux", Architecture: "arm64"}
)

// debian is the base of the specs.
const debian = "docker.io/library/debian:12"

// A fakeEngine is BuildKit's gateway client without an engine. Everything that it solves has the same file system, a directory on disk. It
// panics when another method of the client is called.
type fakeEngine struct {
	gateway.Client
	root     string
	layers   int                       // of each base
	config   func(data []byte) []byte  // changes the configs of bases, if it is set
	size     int64                     // of fetched files, if it is set
	fails    map[string]error          // the errors of sources, by their identifier
	evaluate error                     // the error of the evaluation of references
	platform func(p *ocispec.Platform) // changes the platforms of bases, if it is set
	user     string                    // of the bases

	mu        sync.Mutex
	asked     map[string]int // how often the configs of bases were asked for, by reference and platform
	sources   map[string]int // how often sources were solved, by their identifier
	evaluated int
}

func newFakeEngine(t *testing.T, names ...string) *fakeEngine {
	t.Helper()
	_, ref := onDisk(t, append(names, "etc/os-release")...)
	return &fakeEngine{root: ref.root, layers: 2, fails: map[string]error{}, asked: map[string]int{}, sources: map[string]int{}}
}

// baseLayers are the diff IDs of the layers of a base.
func (e *fakeEngine) baseLayers(ref string, p ocispec.Platform) []digest.Digest {
	out := make([]digest.Digest, e.layers)
	for i := range out {
		out[i] = digest.FromString(fmt.Sprint(ref, platforms.Format(p), i))
	}
	return out
}

// ResolveImageConfig implements gateway.Client.
func (e *fakeEngine) ResolveImageConfig(_ context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	p := *opt.ImageOpt.Platform
	e.mu.Lock()
	e.asked[ref+" "+platforms.Format(p)]++
	e.mu.Unlock()
	if err := e.fails["docker-image://"+ref]; err != nil {
		return "", "", nil, err
	}
	config := dockerspec.DockerOCIImage{Image: ocispec.Image{Platform: p, RootFS: ocispec.RootFS{Type: "layers", DiffIDs: e.baseLayers(ref, p)}}}
	config.Config.User = e.user
	if e.platform != nil {
		e.platform(&config.Platform)
	}
	data, err := json.Marshal(config)
	if e.config != nil {
		data = e.config(data)
	}
	return ref, digest.FromString(ref), data, err
}

// Solve implements gateway.Client.
func (e *fakeEngine) Solve(_ context.Context, req gateway.SolveRequest) (*gateway.Result, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, source := range sourcesOf(req.Definition) {
		e.sources[source]++
		if err := e.fails[source]; err != nil {
			return nil, err
		}
	}
	result := gateway.NewResult()
	result.SetRef(&fakeRef{diskRef: &diskRef{root: e.root}, engine: e, sources: sourcesOf(req.Definition)})
	return result, nil
}

// A fakeRef is what a fakeEngine solved. The content of a fetched file is the identifier of its source.
type fakeRef struct {
	*diskRef
	engine  *fakeEngine
	sources []string
}

// Evaluate implements gateway.Reference.
func (r *fakeRef) Evaluate(context.Context) error {
	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	r.engine.evaluated++
	return r.engine.evaluate
}

// StatFile implements gateway.Reference.
func (r *fakeRef) StatFile(context.Context, gateway.StatRequest) (*fstypes.Stat, error) {
	return &fstypes.Stat{Size: r.engine.size}, nil
}

// ReadFile implements gateway.Reference.
func (r *fakeRef) ReadFile(ctx context.Context, req gateway.ReadRequest) ([]byte, error) {
	if req.Filename != llb.FetchedFile {
		return r.diskRef.ReadFile(ctx, req)
	}
	return []byte(r.sources[0]), nil
}

// sourcesOf returns the identifiers of the sources of a definition.
func sourcesOf(def *pb.Definition) []string {
	var out []string
	for _, data := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(data); err != nil {
			panic(err)
		}
		if source := op.GetSource(); source != nil {
			out = append(out, source.Identifier)
		}
	}
	return out
}

// specHeader begins a spec up to its images.
const specHeader = "version: 1\nname: f\nregistry: r.example/f\ntag: \"1\"\nimages:\n"

// roles has two roles that add files to a base, one that runs a command, and an image that needs no engine.
const roles = specHeader + `  base:
    from: "debian:12"
    steps:
      - run: "true"
      - repo: { id: base, baseurl: "http://h/", to: /etc/base.repo }
  web:
    from: base
    entrypoint: [/bin/web]
    steps:
      - repo: { id: web, baseurl: "http://h/", to: /etc/web.repo }
  worker:
    from: base
    steps:
      - repo: { id: worker, baseurl: "http://h/", to: /etc/worker.repo }
  tool:
    from: base
    steps:
      - run: tool
  data:
    from: scratch
    steps:
      - repo: { id: data, baseurl: "http://h/", to: /data.repo }
`

// newPlanner returns a planner for a spec and a fake engine.
func newPlanner(t *testing.T, spec string, engine *fakeEngine, on ...ocispec.Platform) planner {
	t.Helper()
	store, err := layer.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	trees, err := newTreeCache(store.Blobs().Root(), nil, false)
	if err != nil {
		t.Fatal(err)
	}
	f := familytest.Parse(t, spec)
	families, err := forPlatforms(f, on)
	if err != nil {
		t.Fatal(err)
	}
	return planner{
		family: f, engine: engine, trees: trees,
		opts:     settings{Options: Options{Platforms: on, Created: time.Unix(0, 0).UTC()}, layers: store, build: amd64, families: families},
		announce: func(string, time.Time, bool) {},
	}
}

// mustPlan returns the plan of a planner.
func mustPlan(t *testing.T, p planner) plan {
	t.Helper()
	planned, err := p.plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return planned
}

// errGone is an error of an engine.
var errGone = errors.New("the engine is gone")

// path returns the place on disk of a path in the engine's file system.
func (e *fakeEngine) path(name string) string { return filepath.Join(e.root, name) }
