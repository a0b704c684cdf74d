package build

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/compile"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layer"
)

// An engineTree is the root file system of an image on the engine. The engine is asked when somebody asks the tree, and once for
// each directory.
type engineTree struct {
	engine gateway.Client
	image  compile.Image

	mu   sync.Mutex
	ref  gateway.Reference
	dirs map[string]map[string]*layer.Info
}

func newEngineTree(engine gateway.Client, image compile.Image) *engineTree {
	return &engineTree{engine: engine, image: image, dirs: map[string]map[string]*layer.Info{}}
}

// Lstat implements layer.Tree.
func (t *engineTree) Lstat(ctx context.Context, p string) (*layer.Info, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lstat(ctx, p)
}

func (t *engineTree) lstat(ctx context.Context, p string) (*layer.Info, error) {
	if p == "/" {
		return &layer.Info{Mode: fs.ModeDir | 0o755}, nil
	}
	dir, name := path.Split(p)
	names, err := t.readDir(ctx, path.Clean(dir))
	if err != nil {
		return nil, err
	}
	return names[name], nil
}

// readDir returns what is in a directory; nothing, when there is no such directory.
func (t *engineTree) readDir(ctx context.Context, dir string) (map[string]*layer.Info, error) {
	if names, ok := t.dirs[dir]; ok {
		return names, nil
	}
	self, err := t.lstat(ctx, dir)
	if err != nil || self == nil || !self.Mode.IsDir() {
		return nil, err
	}
	ref, err := t.solved(ctx)
	if err != nil {
		return nil, err
	}
	names := map[string]*layer.Info{}
	if ref != nil {
		stats, err := ref.ReadDir(ctx, gateway.ReadDirRequest{Path: dir})
		if err != nil {
			return nil, err
		}
		for _, s := range stats {
			names[path.Base(s.Path)] = &layer.Info{Mode: fs.FileMode(s.Mode), UID: int(s.Uid), GID: int(s.Gid), Target: s.Linkname}
		}
	}
	t.dirs[dir] = names
	return names, nil
}

func (t *engineTree) solved(ctx context.Context) (gateway.Reference, error) {
	if t.ref != nil {
		return t.ref, nil
	}
	def, err := t.image.Root(ctx)
	if err != nil {
		return nil, err
	}
	t.ref, err = solve(ctx, t.engine, def)
	return t.ref, err
}

// maxFetched bounds what a fetch step may bring, since it passes through this process. It is far over any repository file.
const maxFetched = 16 << 20

// fetched is content that the engine fetched.
type fetched string

// Open implements family.Content.
func (f fetched) Open(string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(string(f))), nil
}

// fetch has the engine fetch the file of an image's next step.
func fetch(ctx context.Context, engine gateway.Client, image compile.Image) (fetched, error) {
	def, err := image.Fetch(ctx)
	if err != nil {
		return "", err
	}
	ref, err := solve(ctx, engine, def)
	if err != nil {
		return "", err
	}
	stat, err := ref.StatFile(ctx, gateway.StatRequest{Path: compile.FetchedFile})
	if err != nil {
		return "", err
	}
	if stat.Size > maxFetched {
		return "", fmt.Errorf("it has %d MB, and the step is for files up to %d MB: use a run step for it", stat.Size>>20, maxFetched>>20)
	}
	data, err := ref.ReadFile(ctx, gateway.ReadRequest{Filename: compile.FetchedFile})
	return fetched(data), err
}

// forPlatform returns a family's files as a layer takes them.
func forPlatform(files []family.File, platform ocispec.Platform) []layer.File {
	out := make([]layer.File, len(files))
	for i, f := range files {
		out[i] = layer.File{Path: f.Path, Mode: f.Mode, Target: f.Target}
		if f.Content != nil {
			out[i].Open = func() (io.ReadCloser, error) { return f.Content.Open(platform.Architecture) }
		}
	}
	return out
}
