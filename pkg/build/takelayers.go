package build

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"

	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/internal/treeindex"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// A listing is a tree that lists directories.
type listing interface {
	layer.Tree
	// Names returns the names in a directory, sorted.
	Names(ctx context.Context, dir string) ([]string, error)
}

// sourceLayers returns the layers of an image that a step takes files from.
func (p platformPlanner) sourceLayers(image *family.Image, source *family.ImageSource) ([]madeLayer, error) {
	if source.Image == nil {
		return layersOf(p.forecast.Base(source.Reference, p.runsOn(image)), nil), nil
	}
	state, err := p.state(source.Image)()
	if err != nil {
		return nil, err
	}
	return layersOf(p.foreseen(source.Image, p.platform).Base, state.image.AppendedLayers()), nil
}

// takeLayers takes what a copy names out of the layers of an image, without an engine.
func (p platformPlanner) takeLayers(ctx context.Context, image *family.Image, t *taking) error {
	layers, err := p.sourceLayers(image, &t.copy.Source)
	if err != nil {
		return err
	}
	tree, err := p.indexTree(ctx, layers)
	if err != nil {
		return err
	}
	paths, err := t.find(ctx, tree)
	if err != nil {
		return err
	}
	if t.spool, err = newSpool(p.opts.layers.Blobs().Root()); err != nil {
		return err
	}
	x := extraction{
		tree: tree, stream: stream{spool: t.spool, matches: t.matches, links: map[string]place{}}, contents: make([]map[int][]*tar.Header, len(layers)),
	}
	err = x.list(ctx, paths)
	for i, wanted := range x.contents {
		if err == nil && len(wanted) > 0 {
			err = p.extract(ctx, &x, layers[i], wanted)
		}
	}
	t.matches = x.stream.matches
	if err != nil {
		return errors.Join(err, t.spool.Close())
	}
	return nil
}

// An extraction takes files out of layers.
type extraction struct {
	tree   *treeindex.Tree
	stream stream
	// contents are the regular files of each layer, by the number of the entry in the layer that has the content.
	contents []map[int][]*tar.Header
}

// list adds all that is at paths to the stream, but the contents of files.
func (x *extraction) list(ctx context.Context, paths []llb.TakenPath) error {
	for i, p := range paths {
		if err := x.walk(ctx, p.Path, path.Join(llb.Taken, strconv.Itoa(i))); err != nil {
			return err
		}
	}
	return nil
}

// walk adds a file, or a directory with all that is below it.
func (x *extraction) walk(ctx context.Context, at, name string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	info := &layer.Info{Mode: fs.ModeDir | 0o755}
	if at != "/" {
		var err error
		if info, err = x.tree.Lstat(ctx, at); err != nil {
			return err
		}
	}
	if info == nil {
		return fmt.Errorf("%s is not in the tree that it was found in", at)
	}
	h := header(name, info)
	if info.Mode.IsRegular() {
		in, number, ok := x.tree.Origin(at)
		if !ok {
			return fmt.Errorf("no layer has the content of %s", at)
		}
		if x.contents[in] == nil {
			x.contents[in] = map[int][]*tar.Header{}
		}
		x.contents[in][number] = append(x.contents[in][number], h)
		return nil
	}
	if err := x.stream.entry(ctx, h, nil); err != nil || !info.Mode.IsDir() {
		return err
	}
	names, err := x.tree.Names(ctx, at)
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := x.walk(ctx, path.Join(at, n), name+"/"+n); err != nil {
			return err
		}
	}
	return nil
}

// extract adds the regular files whose contents a layer has. The second and later names of a content are hard links of the first.
func (p platformPlanner) extract(ctx context.Context, x *extraction, l madeLayer, wanted map[int][]*tar.Header) error {
	found := 0
	take := func(number int, in *tar.Header, content io.Reader) error {
		if len(wanted[number]) > 0 {
			found++
		}
		for i, h := range wanted[number] {
			if i > 0 {
				h.Typeflag, h.Linkname = tar.TypeLink, wanted[number][0].Name
			} else {
				h.Size = in.Size
			}
			if err := x.stream.entry(ctx, h, content); err != nil {
				return err
			}
		}
		return nil
	}
	err := p.opts.readLayer(ctx, l.blob, func(r io.Reader) error { return treeindex.Contents(ctx, r, l.blob.MediaType, take) })
	if err == nil && found < len(wanted) {
		err = fmt.Errorf("the layer %s has %d of the %d files that its index says", l.blob.Digest, found, len(wanted))
	}
	return err
}

// header returns the entry of an archive for a file.
func header(name string, info *layer.Info) *tar.Header {
	h := &tar.Header{Name: name, Mode: int64(info.Mode.Perm()), Uid: info.UID, Gid: info.GID, Linkname: info.Target, PAXRecords: map[string]string{}}
	for flag, bit := range map[fs.FileMode]int64{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if info.Mode&flag != 0 {
			h.Mode |= bit
		}
	}
	for name, value := range info.Xattrs {
		h.PAXRecords[layer.XattrRecord+name] = value
	}
	switch info.Mode.Type() {
	case 0:
		h.Typeflag = tar.TypeReg
	case fs.ModeDir:
		h.Typeflag = tar.TypeDir
	case fs.ModeSymlink:
		h.Typeflag = tar.TypeSymlink
	case fs.ModeNamedPipe:
		h.Typeflag = tar.TypeFifo
	case fs.ModeDevice:
		h.Typeflag = tar.TypeBlock
	default:
		h.Typeflag = tar.TypeChar
	}
	return h
}
