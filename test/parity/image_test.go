package parity

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

// An image is what it says and what is in it.
type image struct {
	config dockerspec.DockerOCIImage
	tree   map[string]string // by path, what is there: type, mode, owner, target, content, extended attributes
}

// An entry is one entry of a layer.
type entry struct {
	path string
	kind byte
	link string // of a hard link
	text string
}

func readImage(t *testing.T, blobs *layout.Blobs, manifest digest.Digest) image {
	t.Helper()
	var (
		m   ocispec.Manifest
		img image
	)
	readJSON(t, blobs, manifest, &m)
	readJSON(t, blobs, m.Config.Digest, &img.config)
	img.tree = map[string]string{}
	for i, l := range m.Layers {
		key := img.config.RootFS.DiffIDs[i].String()
		if _, ok := on.read[key]; !ok {
			on.read[key] = readLayer(t, blobs, l.Digest)
		}
		apply(img.tree, on.read[key])
	}
	return img
}

func open(t *testing.T, blobs *layout.Blobs, d digest.Digest) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join(blobs.Root(), "blobs", string(d.Algorithm()), d.Encoded()))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func readJSON(t *testing.T, blobs *layout.Blobs, d digest.Digest, into any) {
	t.Helper()
	f := open(t, blobs, d)
	defer f.Close()
	if err := json.NewDecoder(f).Decode(into); err != nil {
		t.Fatalf("reading %s: %v", d, err)
	}
}

func readLayer(t *testing.T, blobs *layout.Blobs, d digest.Digest) []entry {
	t.Helper()
	f := open(t, blobs, d)
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var out []entry
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
		e := entry{path: path.Clean("/" + h.Name), kind: h.Typeflag}
		switch h.Typeflag {
		case tar.TypeLink:
			e.link = path.Clean("/" + h.Linkname)
		case tar.TypeDir:
			e.text = fmt.Sprintf("directory %04o %d:%d", h.Mode&0o7777, h.Uid, h.Gid)
		case tar.TypeSymlink:
			e.text = fmt.Sprintf("link %d:%d %s", h.Uid, h.Gid, h.Linkname)
		case tar.TypeReg:
			e.text = fmt.Sprintf("file %04o %d:%d %s", h.Mode&0o7777, h.Uid, h.Gid, sum)
		default:
			e.text = fmt.Sprintf("%c %04o %d:%d %d,%d", h.Typeflag, h.Mode&0o7777, h.Uid, h.Gid, h.Devmajor, h.Devminor)
		}
		for _, key := range slices.Sorted(maps.Keys(h.PAXRecords)) {
			if strings.HasPrefix(key, "SCHILY.xattr.") {
				e.text += fmt.Sprintf(" %s=%q", strings.TrimPrefix(key, "SCHILY.xattr."), h.PAXRecords[key])
			}
		}
		out = append(out, e)
	}
}

// apply puts a layer on a tree.
// https://github.com/opencontainers/image-spec/blob/main/layer.md#changesets
func apply(tree map[string]string, layer []entry) {
	const whiteout, opaque = ".wh.", ".wh..wh..opq"
	for _, e := range layer {
		dir, name := path.Split(e.path)
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
		if strings.HasPrefix(path.Base(e.path), whiteout) || e.path == "/" {
			continue
		}
		if e.kind != tar.TypeDir && strings.HasPrefix(tree[e.path], "directory") {
			removeBelow(tree, e.path)
		}
		tree[e.path] = e.text
		if e.kind == tar.TypeLink {
			tree[e.path] = tree[e.link]
		}
	}
}

func removeBelow(tree map[string]string, dir string) {
	prefix := strings.TrimSuffix(dir, "/") + "/"
	maps.DeleteFunc(tree, func(name, _ string) bool { return strings.HasPrefix(name, prefix) })
}
