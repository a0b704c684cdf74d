package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"

	"github.com/pulpimg/pulpimg/internal/ignore"
	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// A taker has an engine send a file system as one stream. Asking for file after file takes hours for what takes seconds this way.
type taker func(ctx context.Context, def *pb.Definition, into io.Writer) error

// newTaker returns the taker of a build. It solves beside the build, on the same engine, which has the result already.
func newTaker(c *client.Client, opts client.SolveOpt) taker {
	return func(ctx context.Context, def *pb.Definition, into io.Writer) error {
		solve := opts // several images are taken from at once
		solve.Exports = []client.ExportEntry{{
			Type:   client.ExporterTar,
			Output: func(map[string]string) (io.WriteCloser, error) { return nopCloser{into}, nil },
		}}
		_, err := c.Build(ctx, solve, product, func(ctx context.Context, engine gateway.Client) (*gateway.Result, error) {
			return engine.Solve(ctx, gateway.SolveRequest{Definition: def})
		}, nil)
		return err
	}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// A taking is what a copy takes from an image.
type taking struct {
	copy    family.Copy
	content llb.Content
	record  string // the file of the record
	matches []takenMatch
	spool   *spool // nil when the matches are those of the record
}

// take returns the layer with the files of a step that takes some of them from images.
func (p platformPlanner) take(ctx context.Context, state imageState, image *family.Image, at int, contents []llb.Content) (made layer.Layer, err error) {
	step := image.Steps[at].(family.Files)
	takings := make([]*taking, len(step.Copies))
	known := true
	for i, c := range step.Copies {
		t, ok, err := p.taking(ctx, c, contents[i])
		if err != nil {
			return layer.Layer{}, err
		}
		known = known && ok
		takings[i] = t
	}
	opts := p.layerOptions()
	if known {
		entries, err := p.takenEntries(ctx, state, step, takings)
		if err != nil {
			return layer.Layer{}, err
		}
		if made, ok, err := p.opts.layers.Find(ctx, entries, opts); ok || err != nil {
			return made, err
		}
	}
	for _, t := range takings {
		if p.engine == nil {
			err = p.takeLayers(ctx, image, t)
		} else {
			err = p.stream(ctx, image, at, t)
		}
		if err != nil {
			return layer.Layer{}, fmt.Errorf("taking %s of %s: %w", t.copy.From, t.copy.Source.Name(), err)
		}
		defer func() { err = errors.Join(err, t.spool.Close()) }()
	}
	entries, err := p.takenEntries(ctx, state, step, takings)
	if err != nil {
		return layer.Layer{}, err
	}
	if made, err = p.opts.layers.Add(ctx, entries, opts); err != nil {
		return layer.Layer{}, err
	}
	for _, t := range takings {
		if t.record == "" {
			continue
		}
		if err := p.taken.write(t.record, t.matches); err != nil {
			return layer.Layer{}, fmt.Errorf("recording what was taken from %s: %w", t.copy.Source.Name(), err)
		}
	}
	return made, nil
}

// taking returns what a copy takes, and reports whether there is a record of it. Without an engine, there is none.
func (p platformPlanner) taking(ctx context.Context, c family.Copy, content llb.Content) (t *taking, ok bool, err error) {
	t = &taking{copy: c, content: content}
	if p.engine == nil {
		return t, false, nil
	}
	def, err := content.Definition(ctx)
	if err != nil {
		return nil, false, err
	}
	t.record = p.taken.file(def, c.From)
	t.matches, ok = p.taken.read(t.record)
	return t, ok, nil
}

// takenEntries returns the entries of the layer of a step.
func (p platformPlanner) takenEntries(ctx context.Context, state imageState, step family.Files, takings []*taking) ([]layer.Entry, error) {
	accounts := newAccounts(state.tree)
	files, err := forPlatform(ctx, step.Files, p.platform, accounts)
	if err != nil {
		return nil, err
	}
	groups := 0
	for _, t := range takings {
		var owner *layer.Owner
		if t.copy.Owner != "" {
			numbers, err := accounts.numbers(ctx, t.copy.Owner)
			if err != nil {
				return nil, err
			}
			owner = &numbers
		}
		more, err := t.files(groups, owner)
		if err != nil {
			return nil, err
		}
		for _, f := range more {
			groups = max(groups, f.Links)
		}
		files = append(files, more...)
	}
	if err := checkPlaces(files); err != nil {
		return nil, err
	}
	return layer.Entries(ctx, state.tree, files)
}

// checkPlaces returns an error when a step puts two files at one place, or something below a file. Package family checks that for the files of
// the spec's folder, and does not know those of images. Two copies may bring one directory.
func checkPlaces(files []layer.File) error {
	isDir := make(map[string]bool, len(files))
	for _, f := range files {
		if before, ok := isDir[f.Path]; ok && !(before && f.Mode.IsDir()) {
			return fmt.Errorf("this step puts two files at %s: use a step for each, of which the later one counts", f.Path)
		}
		isDir[f.Path] = f.Mode.IsDir()
	}
	for _, f := range files {
		for dir := path.Dir(f.Path); dir != "/"; dir = path.Dir(dir) {
			known, ok := isDir[dir]
			if ok && !known {
				return fmt.Errorf("this step puts %s below %s, which is no directory", f.Path, dir)
			}
			if ok {
				break // all above it are looked at for itself
			}
		}
	}
	return nil
}

// files returns the files of a layer. The numbers of hard links begin after the given one. The owner is whom they are to belong to, if not whom
// they belong to in the image.
func (t *taking) files(groups int, owner *layer.Owner) ([]layer.File, error) {
	c := t.copy
	patterns, err := ignore.New(c.Exclude)
	if err != nil {
		return nil, err
	}
	several := len(t.matches) > 1
	if several && !c.Into {
		return nil, fmt.Errorf("%s stands for %d files of %s: write / at the end of %s, a directory for them", c.From, len(t.matches), c.Source.Name(), c.To)
	}
	var out []layer.File
	for _, m := range t.matches {
		to := c.To
		switch {
		case !m.isDir() && c.Into:
			to = path.Join(to, string(m.Name))
		case m.isDir() && c.Mode != 0:
			return nil, fmt.Errorf("%s of %s is a directory, and mode is for a single file: the files of a directory keep their modes", c.From, c.Source.Name())
		}
		for _, f := range m.Files {
			at := path.Join(to, string(f.Path))
			left, err := m.leaves(f, patterns)
			if err != nil {
				return nil, err
			}
			if at == "/" || !left {
				continue
			}
			if !f.fits() {
				return nil, fmt.Errorf("%s of %s is a device, a pipe or a socket, which a files step takes from no image: leave it out with exclude, or make it in a run step",
					path.Join(c.From, string(f.Path)), c.Source.Name())
			}
			file := f.entry(at, t.spool)
			if owner != nil {
				file.UID, file.GID = owner.UID, owner.GID
			}
			if c.Mode != 0 && file.Mode.IsRegular() {
				file.Mode = withPermissions(file.Mode, c.Mode)
			}
			if file.Links != 0 {
				file.Links += groups
			}
			out = append(out, file)
		}
	}
	if len(out) == 0 && !patterns.IsZero() {
		return nil, fmt.Errorf("exclude leaves nothing of %s of %s", c.From, c.Source.Name())
	}
	return out, nil
}

// stream has the engine build what is taken, and takes it.
func (p platformPlanner) stream(ctx context.Context, image *family.Image, at int, t *taking) (err error) {
	tree := &engineTree{engine: p.engine, root: t.content.Definition, dirs: map[string]*engineDir{}}
	paths, err := t.find(ctx, tree)
	if err != nil {
		return err
	}
	def, err := t.content.Only(image, at, paths).Definition(ctx)
	if err != nil {
		return err
	}
	// The build itself solves it first, so that its display shows the commands, and an error leads to them.
	ref, err := solve(ctx, p.engine, def)
	if err != nil {
		return err
	}
	if err := ref.Evaluate(ctx); err != nil {
		return err
	}
	if t.spool, err = newSpool(p.opts.layers.Blobs().Root()); err != nil {
		return err
	}
	s := stream{spool: t.spool, matches: t.matches, links: map[string]place{}}
	r, w := io.Pipe()
	sent := make(chan error, 1)
	go func() {
		err := p.taker(ctx, def, w)
		w.CloseWithError(err)
		sent <- err
	}()
	err = s.read(ctx, r)
	if err == nil {
		_, err = io.Copy(io.Discard, r) // what is behind the end of the archive
	}
	r.CloseWithError(err)
	if sentErr := <-sent; err == nil || errors.Is(err, sentErr) {
		err = sentErr
	}
	t.matches = s.matches
	if err != nil {
		return errors.Join(err, t.spool.Close())
	}
	return nil
}

// find finds what a copy names in a tree: the real paths, in order, and the descriptions of directories.
func (t *taking) find(ctx context.Context, tree listing) ([]llb.TakenPath, error) {
	found, err := glob(ctx, tree, t.copy.From)
	if err != nil {
		return nil, err
	}
	t.matches = nil
	var out []llb.TakenPath
	for _, name := range found {
		at, info, err := layer.RealPath(ctx, tree, name)
		if err != nil {
			return nil, err
		}
		if info == nil {
			continue // a link that leads nowhere
		}
		m := takenMatch{Name: []byte(path.Base(name))}
		if info.Mode.IsDir() {
			m.Files = []takenFile{{savedFile: *newSavedFile(info)}}
		}
		t.matches = append(t.matches, m)
		out = append(out, llb.TakenPath{Path: at, Dir: info.Mode.IsDir()})
	}
	if len(out) == 0 {
		return nil, errors.New("there is no such file in the image")
	}
	return out, nil
}

// isGlob reports whether a path has wildcards.
func isGlob(name string) bool { return strings.ContainsAny(name, `*?[\`) }

// glob returns the paths in a tree that a path with or without wildcards stands for, sorted. A file of exactly the name goes before what the
// name means as a pattern, as in the folder of a spec.
func glob(ctx context.Context, tree listing, pattern string) ([]string, error) {
	name := path.Clean(pattern)
	if !isGlob(pattern) {
		return []string{name}, nil
	}
	if info, err := layer.Lookup(ctx, tree, name); err != nil || info != nil {
		return []string{name}, err
	}
	found := []string{"/"}
	for part := range strings.SplitSeq(strings.Trim(pattern, "/"), "/") {
		var next []string
		for _, dir := range found {
			if !isGlob(part) {
				next = append(next, path.Join(dir, part))
				continue
			}
			at, info, err := layer.RealPath(ctx, tree, dir)
			if err != nil || info == nil || !info.Mode.IsDir() {
				continue // nothing is below it
			}
			names, err := tree.Names(ctx, at)
			if err != nil {
				return nil, err
			}
			for _, name := range names {
				if ok, err := path.Match(part, name); err != nil {
					return nil, fmt.Errorf("the pattern %q: %w", part, err)
				} else if ok {
					next = append(next, path.Join(dir, name))
				}
			}
		}
		found = next
	}
	return found, nil
}
