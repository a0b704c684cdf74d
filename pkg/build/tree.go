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
	"github.com/moby/buildkit/solver/pb"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	fstypes "github.com/tonistiigi/fsutil/types"

	"github.com/pulpimg/pulpimg/pkg/compile"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layer"
)

// An engineTree is the root file system of an image on the engine. The engine is asked when somebody asks the tree, and never twice the
// same.
type engineTree struct {
	engine gateway.Client
	image  compile.Image

	mu   sync.Mutex
	ref  gateway.Reference
	dirs map[string]*engineDir
}

// An engineDir is what is known of a directory.
type engineDir struct {
	names map[string]*layer.Info // nil where the directory has no such name
	whole bool                   // it has no other names
}

func newEngineTree(engine gateway.Client, image compile.Image) *engineTree {
	return &engineTree{engine: engine, image: image, dirs: map[string]*engineDir{}}
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
	in, name := path.Split(p)
	in = path.Clean(in)
	dir, ok := t.dirs[in]
	if !ok {
		self, err := t.lstat(ctx, in)
		if err != nil || self == nil || !self.Mode.IsDir() {
			return nil, err
		}
		dir = &engineDir{names: map[string]*layer.Info{}}
		t.dirs[in] = dir
	}
	if _, ok := dir.names[name]; !ok && !dir.whole {
		if err := t.read(ctx, in, name, dir); err != nil {
			return nil, err
		}
	}
	return dir.names[name], nil
}

// askedByName is how many names of a directory are asked for one by one, before the engine is asked for all of it: a list of /usr/bin
// takes it 20 ms, and a single name 1.
const askedByName = 4

// read finds out whether a directory has a name.
func (t *engineTree) read(ctx context.Context, in, name string, dir *engineDir) error {
	ref, err := t.solved(ctx)
	if err != nil {
		return err
	}
	question := gateway.ReadDirRequest{Path: in}
	whole := isPattern(name) || len(dir.names) >= askedByName
	if !whole {
		question.IncludePattern = name
	}
	var stats []*fstypes.Stat
	if ref != nil {
		if stats, err = ref.ReadDir(ctx, question); err != nil {
			return err
		}
	}
	dir.whole = whole
	dir.names[name] = nil
	for _, s := range stats {
		dir.names[path.Base(s.Path)] = &layer.Info{Mode: fs.FileMode(s.Mode), UID: int(s.Uid), GID: int(s.Gid), Target: s.Linkname}
	}
	return nil
}

// isPattern says whether a name means another one, or several, as a pattern of the engine.
// https://github.com/moby/patternmatcher
func isPattern(name string) bool {
	return strings.ContainsAny(name, `*?[]^\`) || strings.HasPrefix(name, "!") || strings.TrimSpace(name) != name
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

// fetch has the engine fetch a file.
func fetch(ctx context.Context, engine gateway.Client, def *pb.Definition) (fetched, error) {
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
