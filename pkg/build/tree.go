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

	"github.com/pulpimg/pulpimg/internal/download"
	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// An engineTree is the root file system of an image on the engine. The engine is asked no earlier than the tree is, and its answers are
// kept.
type engineTree struct {
	engine gateway.Client
	root   func(context.Context) (*pb.Definition, error)

	mu    sync.Mutex
	ref   gateway.Reference
	dirs  map[string]*engineDir
	asked bool // the engine answered something that is not in the file of the tree cache
}

// An engineDir is what is known of a directory.
type engineDir struct {
	names map[string]*layer.Info // nil where the directory has no such name
	// contents are those of the files that were read, by name, as far as ReadFile was asked for.
	contents map[string][]byte
	whole    bool // names has all names of the directory
}

func (d *engineDir) knows(name string) bool {
	_, ok := d.names[name]
	return ok || d.whole
}

// keep keeps the content of a file.
func (d *engineDir) keep(name string, content []byte) {
	if d.contents == nil {
		d.contents = map[string][]byte{}
	}
	d.contents[name] = content
}

func newEngineTree(engine gateway.Client, image llb.Image) *engineTree {
	return &engineTree{engine: engine, root: image.Root, dirs: map[string]*engineDir{}}
}

// dir returns what is known of a directory. There may be none at the path.
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

// ReadFile implements layer.Reader.
func (t *engineTree) ReadFile(ctx context.Context, p string, limit int64) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	dir, name := t.dir(path.Dir(p)), path.Base(p)
	if data, ok := dir.contents[name]; ok {
		return data, nil
	}
	ref, err := t.solved(ctx)
	if err != nil {
		return nil, err
	}
	data, err := ref.ReadFile(ctx, gateway.ReadRequest{Filename: p, Range: &gateway.FileRange{Length: int(limit)}})
	if err != nil {
		return nil, err
	}
	dir.keep(name, data)
	t.asked = true
	return data, nil
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
		q := t.queries(in, []string{name})[0]
		if err := q.ask(ctx, ref); err != nil {
			return nil, err
		}
		t.record(q)
	}
	return dir.names[name], nil
}

// Names implements listing.
func (t *engineTree) Names(ctx context.Context, dir string) ([]string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if known := t.dir(dir); !known.whole {
		ref, err := t.solved(ctx)
		if err != nil {
			return nil, err
		}
		q := &dirQuery{in: dir, whole: true}
		if err := q.ask(ctx, ref); err != nil {
			return nil, err
		}
		t.record(q)
	}
	var out []string
	for name, info := range t.dir(dir).names {
		if info != nil {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out, nil
}

// Prefetch implements layer.Prefetcher. It asks for each part of each path, as if there were no symbolic links. Where a part is a link or
// does not exist, the answers for the parts below it are wrong or errors, but nobody uses them. A few queries are sent all at once. Many
// are sent level by level from the root down, so that nothing is asked about what is below a missing directory.
func (t *engineTree) Prefetch(ctx context.Context, paths []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	wanted := namesByDir(paths)
	if queries := t.unanswered(wanted, slices.Collect(maps.Keys(wanted))); len(queries) <= maxQueries {
		t.askAll(ctx, queries)
		return
	}
	for level := []string{"/"}; len(level) > 0 && ctx.Err() == nil; {
		t.askAll(ctx, t.unanswered(wanted, level))
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

// namesByDir returns the names of all parts of paths, by the directory that each is in.
func namesByDir(paths []string) map[string]map[string]struct{} {
	wanted := map[string]map[string]struct{}{}
	for _, p := range paths {
		for ; p != "/"; p = path.Dir(p) {
			in, name := path.Dir(p), path.Base(p)
			if wanted[in] == nil {
				wanted[in] = map[string]struct{}{}
			}
			if _, ok := wanted[in][name]; ok {
				break // then the parts above are there, too
			}
			wanted[in][name] = struct{}{}
		}
	}
	return wanted
}

// unanswered returns the queries for names in directories that are not known yet. It leaves out directories that are known not to exist.
func (t *engineTree) unanswered(wanted map[string]map[string]struct{}, dirs []string) []*dirQuery {
	var queries []*dirQuery
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
		queries = append(queries, t.queries(in, names)...)
	}
	return queries
}

// possible reports whether there may be a directory at a path, as far as the tree knows.
func (t *engineTree) possible(p string) bool {
	for ; p != "/"; p = path.Dir(p) {
		if dir, name := t.dirs[path.Dir(p)], path.Base(p); dir != nil && dir.knows(name) {
			info := dir.names[name]
			return info != nil && info.Mode.IsDir()
		}
	}
	return true
}

// askAll sends queries and records the answers.
func (t *engineTree) askAll(ctx context.Context, queries []*dirQuery) {
	if len(queries) == 0 {
		return
	}
	ref, err := t.solved(ctx)
	if err != nil {
		return // Lstat reports the error
	}
	var group errgroup.Group
	group.SetLimit(maxQueries)
	for _, q := range queries {
		group.Go(func() error {
			_ = q.ask(ctx, ref) // Lstat asks again, and reports the error
			return nil
		})
	}
	_ = group.Wait()
	for _, q := range queries {
		t.record(q)
	}
}

// A dirQuery asks the engine about names in a directory.
type dirQuery struct {
	in    string
	names []string
	whole bool // it asks for all names of the directory

	answer   []*fstypes.Stat
	answered bool
}

// maxByName is how many names of a directory are asked for one by one. For more, the engine is asked for the whole directory: it takes 20 ms
// to list /usr/bin, and 1 ms to look up a name.
const maxByName = 4

// maxQueries is how many queries are sent to the engine at a time. A step that copies a thousand directories has a thousand queries.
const maxQueries = 16

// queries returns the queries for names in a directory.
func (t *engineTree) queries(in string, names []string) []*dirQuery {
	if len(names) == 0 {
		return nil
	}
	if len(t.dir(in).names)+len(names) > maxByName || slices.ContainsFunc(names, isPattern) {
		return []*dirQuery{{in: in, names: names, whole: true}}
	}
	var out []*dirQuery
	for _, name := range names {
		out = append(out, &dirQuery{in: in, names: []string{name}})
	}
	return out
}

// ask has the engine answer a query about the file system of a reference. A nil reference is an empty file system.
func (q *dirQuery) ask(ctx context.Context, ref gateway.Reference) (err error) {
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

// record keeps the answer to a query, if there was one.
func (t *engineTree) record(q *dirQuery) {
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
		info := &layer.Info{Mode: fs.FileMode(s.Mode), UID: int(s.Uid), GID: int(s.Gid), Xattrs: layer.Portable(s.Xattrs)}
		if info.Mode&fs.ModeSymlink != 0 {
			info.Target = s.Linkname // of a hard link, it is another name of the file
		}
		dir.names[path.Base(s.Path)] = info
	}
}

// isPattern reports whether the engine would take a name for a pattern that matches other names.
// https://github.com/moby/patternmatcher
func isPattern(name string) bool {
	return strings.ContainsAny(name, `*?[]^\`) || strings.HasPrefix(name, "!") || strings.TrimSpace(name) != name
}

func (t *engineTree) solved(ctx context.Context) (gateway.Reference, error) {
	if t.ref != nil {
		return t.ref, nil
	}
	def, err := t.root(ctx)
	if err != nil {
		return nil, err
	}
	t.ref, err = solve(ctx, t.engine, def)
	return t.ref, err
}

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
	if stat.Size > download.MaxSize {
		return "", fmt.Errorf("it has %d MB, and the step is for files up to %d MB: use a run step for it", stat.Size>>20, download.MaxSize>>20)
	}
	data, err := ref.ReadFile(ctx, gateway.ReadRequest{Filename: llb.FetchedFile})
	return fetched(data), err
}

// rootFiles converts files of a family that belong to root.
func rootFiles(files []family.File, platform ocispec.Platform) []layer.File {
	out := make([]layer.File, len(files))
	for i, f := range files {
		out[i] = file(f, platform)
	}
	return out
}

// file converts a file that belongs to root.
func file(f family.File, platform ocispec.Platform) layer.File {
	out := layer.File{Path: f.Path, Mode: f.Mode, Target: f.Target}
	if f.Content != nil {
		out.Open = func() (io.ReadCloser, error) { return f.Content.Open(platform.Architecture) }
	}
	if on, ok := f.Content.(family.DiskContent); ok {
		out.Source = on
	}
	return out
}

// forPlatform converts files of a family to files of a layer, with their content for a platform and the numbers of their owners.
func forPlatform(ctx context.Context, files []family.File, platform ocispec.Platform, accounts *accounts) ([]layer.File, error) {
	out := make([]layer.File, len(files))
	for i, f := range files {
		owner, err := accounts.numbers(ctx, f.Owner)
		if err != nil {
			return nil, err
		}
		out[i] = file(f, platform)
		out[i].UID, out[i].GID = owner.UID, owner.GID
	}
	return out, nil
}
