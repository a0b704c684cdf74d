package images

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

// An Image is what it says and what is in it.
type Image struct {
	Config dockerspec.DockerOCIImage
	// Tree is, by path, what is there: type, mode, owner, target, content, extended attributes.
	Tree map[string]string
}

// An Entry is one entry of a layer.
type Entry struct {
	Path string
	Kind byte
	Link string // of a hard link
	Text string
}

// A Reader reads images, and each layer once.
type Reader struct{ layers map[string][]Entry }

// NewReader returns a reader that knows no layer yet.
func NewReader() *Reader { return &Reader{layers: map[string][]Entry{}} }

// Resolve is a directory's path without the symbolic links that the image has on the way.
func (i Image) Resolve(dir string) string {
	at, todo := "/", strings.Split(strings.Trim(dir, "/"), "/")
	for links := 0; len(todo) > 0; {
		next := path.Join(at, todo[0])
		todo = todo[1:]
		fields := strings.SplitN(i.Tree[next], " ", 3)
		if fields[0] != "link" || links == 40 {
			at = next
			continue
		}
		links++
		if path.IsAbs(fields[2]) {
			at = "/"
		}
		todo = append(strings.Split(strings.Trim(fields[2], "/"), "/"), todo...)
	}
	return at
}

// Image reads the image of a manifest.
func (r *Reader) Image(t testing.TB, blobs *layout.Blobs, manifest digest.Digest) Image {
	t.Helper()
	var (
		m   ocispec.Manifest
		img Image
	)
	readJSON(t, blobs, manifest, &m)
	readJSON(t, blobs, m.Config.Digest, &img.Config)
	img.Tree = map[string]string{}
	for i, l := range m.Layers {
		key := img.Config.RootFS.DiffIDs[i].String()
		if _, ok := r.layers[key]; !ok {
			r.layers[key] = readLayer(t, blobs, l.Digest)
		}
		Apply(img.Tree, r.layers[key])
	}
	return img
}

func open(t testing.TB, blobs *layout.Blobs, d digest.Digest) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join(blobs.Root(), "blobs", string(d.Algorithm()), d.Encoded()))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func readJSON(t testing.TB, blobs *layout.Blobs, d digest.Digest, into any) {
	t.Helper()
	f := open(t, blobs, d)
	defer f.Close()
	if err := json.NewDecoder(f).Decode(into); err != nil {
		t.Fatalf("reading %s: %v", d, err)
	}
}

func readLayer(t testing.TB, blobs *layout.Blobs, d digest.Digest) []Entry {
	t.Helper()
	f := open(t, blobs, d)
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var out []Entry
	for archive := tar.NewReader(unzipped); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		sum, err := digest.FromReader(archive)
		if err != nil {
			t.Fatal(err)
		}
		e := Entry{Path: path.Clean("/" + h.Name), Kind: h.Typeflag}
		switch h.Typeflag {
		case tar.TypeLink:
			e.Link = path.Clean("/" + h.Linkname)
		case tar.TypeDir:
			e.Text = fmt.Sprintf("directory %04o %d:%d", h.Mode&0o7777, h.Uid, h.Gid)
		case tar.TypeSymlink:
			e.Text = fmt.Sprintf("link %d:%d %s", h.Uid, h.Gid, h.Linkname)
		case tar.TypeReg:
			e.Text = fmt.Sprintf("file %04o %d:%d %s", h.Mode&0o7777, h.Uid, h.Gid, sum)
		default:
			e.Text = fmt.Sprintf("%c %04o %d:%d %d,%d", h.Typeflag, h.Mode&0o7777, h.Uid, h.Gid, h.Devmajor, h.Devminor)
		}
		for _, key := range slices.Sorted(maps.Keys(h.PAXRecords)) {
			if strings.HasPrefix(key, "SCHILY.xattr.") {
				e.Text += fmt.Sprintf(" %s=%q", strings.TrimPrefix(key, "SCHILY.xattr."), h.PAXRecords[key])
			}
		}
		out = append(out, e)
	}
}

// Apply puts a layer on a tree.
// https://github.com/opencontainers/image-spec/blob/main/layer.md#changesets
func Apply(tree map[string]string, layer []Entry) {
	const whiteout, opaque = ".wh.", ".wh..wh..opq"
	for _, e := range layer {
		dir, name := path.Split(e.Path)
		switch {
		case name == opaque:
			removeBelow(tree, path.Clean(dir))
		case strings.HasPrefix(name, whiteout):
			removed := path.Join(dir, strings.TrimPrefix(name, whiteout))
			delete(tree, removed)
			removeBelow(tree, removed)
		}
	}
	for _, e := range layer {
		if strings.HasPrefix(path.Base(e.Path), whiteout) || e.Path == "/" {
			continue
		}
		if e.Kind != tar.TypeDir && strings.HasPrefix(tree[e.Path], "directory") {
			removeBelow(tree, e.Path)
		}
		tree[e.Path] = e.Text
		if e.Kind == tar.TypeLink {
			tree[e.Path] = tree[e.Link]
		}
	}
}

func removeBelow(tree map[string]string, dir string) {
	prefix := strings.TrimSuffix(dir, "/") + "/"
	maps.DeleteFunc(tree, func(name, _ string) bool { return strings.HasPrefix(name, prefix) })
}
