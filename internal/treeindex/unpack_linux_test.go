package treeindex_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/pkg/archive"
	"github.com/containerd/continuity/sysx"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"

	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/treeindex"
	"github.com/pulpimg/pulpimg/test/needs"
)

// An unpacker unpacks layers as a container engine does.
type unpacker interface {
	// unpack adds a layer on top. A layer that is refused is not added.
	unpack(ctx context.Context, data []byte) error
	// files describes all files, with what regular files contain.
	files() map[string]found
}

// What an engine unpacks is the truth. Layers are made of anything that a tar can have, in any order.
func TestTree_isWhatAnEngineUnpacks(t *testing.T) {
	for _, way := range []struct {
		name   string
		stacks int
		start  func(t *testing.T) unpacker
		make   func(r *rand.Rand, below *treeindex.Tree) *tarball
		least  float64 // of the layers that the engine takes
	}{
		{name: "each layer by itself", stacks: 100, start: newSeparate, make: wildLayer, least: 0.4},
		{name: "an overlay file system of the kernel", stacks: 40, start: newOverlay, make: overlayLayer, least: 0.4},
		{name: "all layers into one directory", stacks: 60, start: newSingle, make: carefulLayer, least: 0.95},
	} {
		t.Run(way.name, func(t *testing.T) {
			var taken, all int
			for seed := range way.stacks {
				disk, r := way.start(t), rand.New(rand.NewPCG(uint64(seed), 14))
				var indexes []*treeindex.Index
				var numbers []int // of the layers that were taken
				for number := range 1 + r.IntN(5) {
					made := way.make(r, treeindex.Stack(indexes...))
					data := made.bytes(t, number)
					all++
					if err := disk.unpack(t.Context(), data); err != nil {
						continue
					}
					taken++
					index, _, err := treeindex.Read(t.Context(), bytes.NewReader(data), ocispec.MediaTypeImageLayer)
					if err != nil {
						t.Fatalf("seed %d: the engine takes a layer, and not the index: %v\n%s", seed, err, made)
					}
					indexes, numbers = append(indexes, encoded(t, index)), append(numbers, number)
					if diff := cmp.Diff(disk.files(), filesOf(t, treeindex.Stack(indexes...), numbers), cmpopts.EquateEmpty()); diff != "" {
						t.Fatalf("seed %d, layer %d (-unpacked +index):\n%s\n%s", seed, number, diff, made)
					}
				}
			}
			if float64(taken) < way.least*float64(all) {
				t.Errorf("the engine took %d of %d layers: too few to compare", taken, all)
			}
		})
	}
}

// single unpacks all layers into one directory, as engines without overlay file systems do.
type single struct {
	t    *testing.T
	root string
}

func newSingle(t *testing.T) unpacker { return single{t, t.TempDir()} }

func (s single) unpack(ctx context.Context, data []byte) error { return apply(ctx, s.root, data) }

// apply unpacks a layer without warnings of what is left out.
func apply(ctx context.Context, dir string, data []byte, opts ...archive.ApplyOpt) error {
	logrus.SetLevel(logrus.ErrorLevel)
	_, err := archive.Apply(ctx, dir, bytes.NewReader(data), opts...)
	return err
}

func (s single) files() map[string]found {
	return separate{t: s.t, layers: []unpacked{{root: s.root}}}.files()
}

// separate unpacks each layer into a directory of its own, as containerd does it for overlay file systems, and merges them itself. So it
// needs no root. Instead of a device, a whiteout is a socket, which no tar has.
type separate struct {
	t      *testing.T
	layers []unpacked // the lowest first
}

// unpacked is a layer. Hidden are the names of which it has whiteouts, and the directories that hide those below.
type unpacked struct {
	root   string
	hidden map[string]bool
}

// opaque is the extended attribute of a directory that hides those below, while its layer is unpacked.
const opaque = "user.opaque"

func newSeparate(t *testing.T) unpacker { return &separate{t: t} }

func (s *separate) unpack(ctx context.Context, data []byte) error {
	made := unpacked{s.t.TempDir(), map[string]bool{}}
	var parents []string
	for _, below := range slices.Backward(s.layers) {
		parents = append(parents, below.root)
	}
	err := apply(ctx, made.root, data, archive.WithParents(parents), archive.WithConvertWhiteout(made.whiteout))
	if err == nil {
		s.layers = append(s.layers, made)
		err = filepath.WalkDir(made.root, made.findOpaque)
	}
	return err
}

func (u unpacked) findOpaque(dir string, entry fs.DirEntry, err error) error {
	if err == nil && entry.IsDir() && unix.Removexattr(dir, opaque) == nil {
		u.hidden[dir] = true
	}
	return err
}

func (u unpacked) whiteout(_ *tar.Header, p string) (bool, error) {
	dir, name := filepath.Split(p)
	hidden, ok := strings.CutPrefix(name, ".wh.")
	if !ok {
		return true, nil
	}
	if hidden == ".wh..opq" {
		return false, unix.Setxattr(dir, opaque, []byte("y"), 0)
	}
	p = filepath.Join(dir, hidden)
	u.hidden[p] = true
	if err := unix.Mknod(p, unix.S_IFSOCK|0o600, 0); !errors.Is(err, unix.EEXIST) {
		return false, err
	}
	return false, nil
}

func (s separate) files() map[string]found {
	all := map[string]found{}
	var dirs []string
	for i := range s.layers {
		dirs = append(dirs, s.layers[len(s.layers)-1-i].root)
		if s.opaque(dirs[i]) {
			break
		}
	}
	s.merge(all, "/", dirs)
	return all
}

func (s separate) opaque(dir string) bool {
	return slices.ContainsFunc(s.layers, func(u unpacked) bool { return u.hidden[dir] })
}

// merge describes the files of directories, each of which is above the next one.
func (s separate) merge(all map[string]found, at string, dirs []string) {
	names := map[string][]string{}
	done := map[string]bool{}
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, e := range entries {
			name, here := e.Name(), filepath.Join(dir, e.Name())
			switch {
			case done[name]:
			case e.Type() == fs.ModeSocket:
				done[name] = true
			case !e.IsDir():
				if names[name] == nil {
					names[name] = []string{here}
				}
				done[name] = true
			default:
				names[name] = append(names[name], here)
				done[name] = s.opaque(here)
			}
		}
	}
	for name, here := range names {
		p := path.Join(at, name)
		if _, err := os.Lstat(here[0]); errors.Is(err, fs.ErrNotExist) {
			continue // the kernel lists whiteouts that hide nothing
		}
		all[p] = onDisk(s.t, here[0])
		if all[p].Mode.IsDir() {
			s.merge(all, p, here)
		}
	}
}

// onDisk describes a file on disk as BuildKit does.
func onDisk(t *testing.T, name string) found {
	t.Helper()
	var stat unix.Stat_t
	if err := unix.Lstat(name, &stat); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(name)
	if err != nil {
		t.Fatal(err)
	}
	file := found{Info: layer.Info{Mode: info.Mode(), UID: ownAsRoot(int(stat.Uid), os.Getuid()), GID: ownAsRoot(int(stat.Gid), os.Getgid())}}
	xattrs := map[string][]byte{}
	keys, err := sysx.LListxattr(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if xattrs[key], err = sysx.LGetxattr(name, key); err != nil {
			t.Fatal(err)
		}
	}
	file.Xattrs = layer.Portable(xattrs)
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		file.Target, err = os.Readlink(name)
	case info.Mode().IsRegular():
		var content []byte
		content, err = os.ReadFile(name)
		file.Content = string(content)
	}
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// overlay has the kernel merge the layers.
type overlay struct {
	t      *testing.T
	layers []string
}

func newOverlay(t *testing.T) unpacker {
	needs.Root(t)
	return &overlay{t: t, layers: []string{t.TempDir(), t.TempDir()}} // an overlay has two at least
}

func (o *overlay) unpack(ctx context.Context, data []byte) error {
	made := o.t.TempDir()
	parents := slices.Clone(o.layers)
	slices.Reverse(parents)
	err := apply(ctx, made, data, archive.WithParents(parents), archive.WithConvertWhiteout(archive.OverlayConvertWhiteout))
	if err == nil {
		o.layers = append(o.layers, made)
	}
	return err
}

func (o *overlay) files() map[string]found {
	at := o.t.TempDir()
	lower := slices.Clone(o.layers)
	slices.Reverse(lower)
	if err := unix.Mount("overlay", at, "overlay", unix.MS_RDONLY, "lowerdir="+strings.Join(lower, ":")); err != nil {
		o.t.Fatal(fmt.Errorf("mounting %s: %w", lower, err))
	}
	defer func() {
		if err := unix.Unmount(at, 0); err != nil {
			o.t.Error(err)
		}
	}()
	return single{o.t, at}.files()
}
