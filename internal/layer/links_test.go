package layer_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/internal/layer"
)

// A memoryTree is a tree by path.
type memoryTree map[string]layer.Info

func (m memoryTree) Lstat(_ context.Context, p string) (*layer.Info, error) {
	info, ok := m[p]
	if !ok {
		return nil, nil
	}
	return &info, nil
}

func TestRealPath(t *testing.T) {
	link := func(to string) layer.Info { return layer.Info{Mode: fs.ModeSymlink, Target: to} }
	dir, file := layer.Info{Mode: fs.ModeDir}, layer.Info{Mode: 0o644}
	tree := memoryTree{
		"/usr": dir, "/usr/bin": dir, "/usr/bin/app": file, "/bin": link("usr/bin"), "/app": link("bin/app"), "/far": link("/usr/../bin/./app"),
		"/deep": dir, "/deep/dir": dir, "/deep/dir/in": file, "/jump": link("deep/dir"), "/up": link("jump/../up"), "/deep/up": file,
		"/out": link("../../../../usr/bin/app"), "/loop": link("loop"), "/gone": link("nowhere"), "/root": link("/"),
	}
	for _, test := range []struct {
		name, want string
		missing    bool
		fails      string
	}{
		{name: "/usr/bin/app", want: "/usr/bin/app"},
		{name: "/bin/app", want: "/usr/bin/app"},
		{name: "/app", want: "/usr/bin/app"},
		{name: "/far", want: "/usr/bin/app"},
		{name: "/up", want: "/deep/up"}, // above where the link leads, not above the link
		{name: "/out", want: "/usr/bin/app"},
		{name: "/root", want: "/"},
		{name: "/", want: "/"},
		{name: "/gone", want: "/nowhere", missing: true},
		{name: "/none/at/all", want: "/none/at/all", missing: true},
		{name: "/loop", fails: "more than 40 symbolic links"},
		{name: "/usr/bin/app/x", fails: "is not a directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, info, err := layer.RealPath(t.Context(), tree, test.name)
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Errorf("got %v, want an error with %q", err, test.fails)
				}
				return
			}
			if err != nil || got != test.want || (info == nil) != test.missing {
				t.Errorf("got %s, there %t, %v; want %s", got, info != nil, err, test.want)
			}
		})
	}
}

// known is a file whose content is known before it is read.
func known(path, content string, links int) layer.File {
	return layer.File{
		Path: path, Mode: 0o755, UID: 5, GID: 6, Links: links, Xattrs: map[string]string{"user.a": "b"},
		Known: &layer.Known{Size: int64(len(content)), SHA256: sha256.Sum256([]byte(content))},
		Open:  func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil },
	}
}

func TestAdd_hardLinks(t *testing.T) {
	store, err := layer.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	opts := layer.Options{ModTime: time.Unix(0, 0)}
	files := func(content string) []layer.Entry {
		entries, err := layer.Entries(t.Context(), layer.Empty{}, []layer.File{known("/z", content, 1), known("/b/a", content, 1), known("/c", "other", 2)})
		if err != nil {
			t.Fatal(err)
		}
		return entries
	}
	if _, ok, err := store.Find(t.Context(), files("one"), opts); ok || err != nil {
		t.Fatalf("an empty store has the layer: %t, %v", ok, err)
	}
	made, err := store.Add(t.Context(), files("one"), opts)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"b/ 0:0", "b/a 5:6 b", "c 5:6 b", "z -> b/a 5:6 b"}
	if diff := cmp.Diff(want, content(t, store, made)); diff != "" {
		t.Errorf("the layer (-want +got):\n%s", diff)
	}
	// Nothing is opened when the layer is known.
	found := files("one")
	for i := range found {
		if found[i].Open == nil {
			continue
		}
		found[i].Open = func() (io.ReadCloser, error) { return nil, fs.ErrInvalid }
	}
	again, ok, err := store.Find(t.Context(), found, opts)
	if err != nil || !ok || again.DiffID != made.DiffID || again.Image != made.Image {
		t.Errorf("found %v, %t, %v; want the layer that was added", again.DiffID, ok, err)
	}
	if _, ok, err := store.Find(t.Context(), files("two"), opts); ok || err != nil {
		t.Errorf("the store has the layer of other contents: %t, %v", ok, err)
	}
	if _, ok, err := store.Find(t.Context(), files("one"), layer.Options{ModTime: time.Unix(0, 0), ReadAll: true}); ok || err != nil {
		t.Errorf("a layer was found although everything is to be read: %t, %v", ok, err)
	}
}

// content lists what a layer holds: names, owners, and the value of an extended attribute.
func content(t *testing.T, store *layer.Store, made layer.Layer) []string {
	t.Helper()
	f, err := os.Open(store.Blobs().Path(made.Blob.Digest))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for archive := tar.NewReader(zr); ; {
		h, err := archive.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		text := h.Name
		if h.Typeflag == tar.TypeLink {
			text += " -> " + h.Linkname
		}
		text += fmt.Sprintf(" %d:%d %s", h.Uid, h.Gid, h.PAXRecords["SCHILY.xattr.user.a"])
		out = append(out, strings.TrimSpace(text))
	}
}
