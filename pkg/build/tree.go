package build

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	fstypes "github.com/tonistiigi/fsutil/types"
	"golang.org/x/sync/errgroup"

	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// An engineTree is the root file system of an image on the engine. The engine is asked when somebody asks the tree, or
// says that it will, and what it answered is kept.
type engineTree struct {
	engine gateway.Client
	image  llb.Image

	mu    sync.Mutex
	ref   gateway.Reference
	dirs  map[string]*engineDir
	asked bool // the engine answered something that is in no file yet
}

// An engineDir is what is known of a directory.
type engineDir struct {
	names map[string]*layer.Info // nil where the directory has no such name
	whole bool                   // it has no other names
}

func (d *engineDir) knows(name string) bool {
	_, ok := d.names[name]
	return ok || d.whole
}

func newEngineTree(engine gateway.Client, image llb.Image) *engineTree {
	return &engineTree{engine: engine, image: image, dirs: map[string]*engineDir{}}
}

// dir returns what is known of what would be a directory.
func (t *engineTree) dir(p string) *engineDir {
	if t.dirs[p] == nil {
		t.dirs[p] = &engineDir{names: map[string]*layer.Info{}}
	}
	return t.dirs[p]
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
	in, name := path.Dir(p), path.Base(p)
	self, err := t.lstat(ctx, in)
	if err != nil || self == nil || !self.Mode.IsDir() {
		return nil, err
	}
	dir := t.dir(in)
	if !dir.knows(name) {
		ref, err := t.solved(ctx)
		if err != nil {
			return nil, err
		}
		q := t.questions(in, []string{name})[0]
		if err := q.ask(ctx, ref); err != nil {
			return nil, err
		}
		t.note(q)
	}
	return dir.names[name], nil
}

// Expect implements layer.Expecter: it asks for all that lies on the ways to the paths as if there were no symbolic links. Where there are,
// or nothing is there, an answer is about something else or an error; but then nobody will look at it. When it takes few questions, all are
// asked at once. Otherwise they go from the root downwards: below a directory that is not there, there is nothing to ask for.
func (t *engineTree) Expect(ctx context.Context, paths []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	wanted := ways(paths)
	if questions := t.about(wanted, slices.Collect(maps.Keys(wanted))); len(questions) <= askedAtOnce {
		t.askAll(ctx, questions)
		return
	}
	for level := []string{"/"}; len(level) > 0 && ctx.Err() == nil; {
		t.askAll(ctx, t.about(wanted, level))
		var next []string
		for _, in := range level {
			for name := range wanted[in] {
				if info := t.dir(in).names[name]; info != nil && info.Mode.IsDir() {
					next = append(next, path.Join(in, name))
				}
			}
		}
		level = next
	}
}

// ways returns the names on the ways to paths, by directory.
func ways(paths []string) map[string]map[string]struct{} {
	wanted := map[string]map[string]struct{}{}
	for _, p := range paths {
		for ; p != "/"; p = path.Dir(p) {
			in, name := path.Dir(p), path.Base(p)
			if wanted[in] == nil {
				wanted[in] = map[string]struct{}{}
			}
			if _, ok := wanted[in][name]; ok {
				break // and so is all above it
			}
			wanted[in][name] = struct{}{}
		}
	}
	return wanted
}

// about returns the questions about the names of directories that are not known, but for directories that are known not to be there.
func (t *engineTree) about(wanted map[string]map[string]struct{}, dirs []string) []*question {
	var questions []*question
	for _, in := range dirs {
		if !t.possible(in) {
			continue
		}
		var names []string
		for name := range wanted[in] {
			if !t.dir(in).knows(name) {
				names = append(names, name)
			}
		}
		questions = append(questions, t.questions(in, names)...)
	}
	return questions
}

// possible reports whether there may be a directory at a path, by what is known.
func (t *engineTree) possible(p string) bool {
	for ; p != "/"; p = path.Dir(p) {
		if dir, name := t.dirs[path.Dir(p)], path.Base(p); dir != nil && dir.knows(name) {
			info := dir.names[name]
			return info != nil && info.Mode.IsDir()
		}
	}
	return true
}

// askAll asks questions and notes the answers.
func (t *engineTree) askAll(ctx context.Context, questions []*question) {
	if len(questions) == 0 {
		return
	}
	ref, err := t.solved(ctx)
	if err != nil {
		return // as will be said to who asks
	}
	var group errgroup.Group
	group.SetLimit(askedAtOnce)
	for _, q := range questions {
		group.Go(func() error {
			_ = q.ask(ctx, ref) // what matters is asked again
			return nil
		})
	}
	_ = group.Wait()
	for _, q := range questions {
		t.note(q)
	}
}

// A question is one to the engine, about names in a directory.
type question struct {
	in    string
	names []string
	whole bool // it is about all names there are

	answer   []*fstypes.Stat
	answered bool
}

// askedByName is how many names of a directory are asked for one by one, before the engine is asked for all of it: a list of /usr/bin
// takes it 20 ms, and a single name 1.
const askedByName = 4

// askedAtOnce is how many questions are with the engine at a time: a step with a tree of a thousand directories has as many of them.
const askedAtOnce = 16

// questions returns what to ask about names in a directory.
func (t *engineTree) questions(in string, names []string) []*question {
	if len(names) == 0 {
		return nil
	}
	if len(t.dir(in).names)+len(names) > askedByName || slices.ContainsFunc(names, isPattern) {
		return []*question{{in: in, names: names, whole: true}}
	}
	var out []*question
	for _, name := range names {
		out = append(out, &question{in: in, names: []string{name}})
	}
	return out
}

// ask has the engine answer a question about the file system of a reference. Without one, it is empty.
func (q *question) ask(ctx context.Context, ref gateway.Reference) (err error) {
	req := gateway.ReadDirRequest{Path: q.in}
	if !q.whole {
		req.IncludePattern = q.names[0]
	}
	if ref != nil {
		if q.answer, err = ref.ReadDir(ctx, req); err != nil {
			return err
		}
	}
	q.answered = true
	return nil
}

// note keeps the answer to a question, if there was one.
func (t *engineTree) note(q *question) {
	if !q.answered {
		return
	}
	t.asked = true
	dir := t.dir(q.in)
	dir.whole = dir.whole || q.whole
	for _, name := range q.names {
		dir.names[name] = nil
	}
	for _, s := range q.answer {
		dir.names[path.Base(s.Path)] = &layer.Info{
			Mode: fs.FileMode(s.Mode), UID: int(s.Uid), GID: int(s.Gid), Target: s.Linkname, Xattrs: layer.Portable(s.Xattrs),
		}
	}
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
	stat, err := ref.StatFile(ctx, gateway.StatRequest{Path: llb.FetchedFile})
	if err != nil {
		return "", err
	}
	if stat.Size > maxFetched {
		return "", fmt.Errorf("it has %d MB, and the step is for files up to %d MB: use a run step for it", stat.Size>>20, maxFetched>>20)
	}
	data, err := ref.ReadFile(ctx, gateway.ReadRequest{Filename: llb.FetchedFile})
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
		if on, ok := f.Content.(family.DiskContent); ok {
			out[i].Source = on
		}
	}
	return out
}
