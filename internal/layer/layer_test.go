package layer_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/layer"
)

// tree is a file tree written down: path -> what is there.
type tree map[string]layer.Info

func (t tree) Lstat(_ context.Context, path string) (*layer.Info, error) {
	if info, ok := t[path]; ok {
		return &info, nil
	}
	return nil, nil
}

func dir(mode fs.FileMode) layer.Info { return layer.Info{Mode: fs.ModeDir | mode} }
func link(target string) layer.Info   { return layer.Info{Mode: fs.ModeSymlink | 0o777, Target: target} }
func file(path, content string) layer.File {
	return layer.File{Path: path, Mode: 0o644, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(content)), nil
	}}
}

func owned(f layer.File, uid, gid int) layer.File {
	f.UID, f.GID = uid, gid
	return f
}

// below is a system as distributions lay it out since the merge of /usr.
var below = tree{
	"/usr":         dir(0o755),
	"/usr/lib":     dir(0o755),
	"/lib":         link("usr/lib"),
	"/tmp":         dir(fs.ModeSticky | 0o777),
	"/var":         dir(0o755),
	"/run":         dir(0o755),
	"/var/run":     link("/run"),
	"/var/up":      link("../usr/lib"),
	"/etc":         dir(0o750),
	"/etc/passwd":  {Mode: 0o644},
	"/loop":        link("loop"),
	"/home":        {Mode: fs.ModeDir | fs.ModeSetgid | 0o775, UID: 48, GID: 50},
	"/etc/default": link("nowhere"),
}

func TestEntries_realPathsAndParents(t *testing.T) {
	for _, test := range []struct {
		name  string
		files []layer.File
		want  []string
	}{
		{"a file in the root brings nothing along", []layer.File{file("/run.sh", "x")}, []string{"-rw-r--r-- /run.sh"}},
		{"a symbolic link on the way is followed, not replaced", []layer.File{file("/lib/x", "x")},
			[]string{"drwxr-xr-x /usr", "drwxr-xr-x /usr/lib", "-rw-r--r-- /usr/lib/x"}},
		{"an absolute link starts at the root", []layer.File{file("/var/run/x", "x")}, []string{"drwxr-xr-x /run", "-rw-r--r-- /run/x"}},
		{"a link may point upwards", []layer.File{file("/var/up/x", "x")},
			[]string{"drwxr-xr-x /usr", "drwxr-xr-x /usr/lib", "-rw-r--r-- /usr/lib/x"}},
		{"a dangling link leads to a new directory", []layer.File{file("/etc/default/x", "x")},
			[]string{"drwxr-x--- /etc", "drwxr-xr-x /etc/nowhere", "-rw-r--r-- /etc/nowhere/x"}},
		{"a sticky directory stays sticky", []layer.File{file("/tmp/x", "x")}, []string{"dtrwxrwxrwx /tmp", "-rw-r--r-- /tmp/x"}},
		{"an owner stays", []layer.File{file("/home/x", "x")}, []string{"dgrwxrwxr-x /home 48:50", "-rw-r--r-- /home/x"}},
		{"a directory that is not there is made", []layer.File{file("/opt/a/x", "x")},
			[]string{"drwxr-xr-x /opt", "drwxr-xr-x /opt/a", "-rw-r--r-- /opt/a/x"}},
		{"an empty directory that is there stays as it is", []layer.File{{Path: "/tmp", Mode: fs.ModeDir | 0o755}}, []string{"dtrwxrwxrwx /tmp"}},
		{"a directory with a mode of its own is made", []layer.File{file("/opt/a/x", "x"), {Path: "/opt/a", Mode: fs.ModeDir | fs.ModeSetgid | 0o755}},
			[]string{"drwxr-xr-x /opt", "dgrwxr-xr-x /opt/a", "-rw-r--r-- /opt/a/x"}},
		{"the sticky bit is given to a directory that is there, with its owner", []layer.File{{Path: "/home", Mode: fs.ModeDir | fs.ModeSticky | 0o777}},
			[]string{"dtrwxrwxrwx /home 48:50"}},
		{"a set-id bit is not", []layer.File{{Path: "/etc", Mode: fs.ModeDir | fs.ModeSetgid | 0o755}}, []string{"drwxr-x--- /etc"}},
		{"an owner is that of the file, and not of what is above", []layer.File{{Path: "/opt/a", Mode: fs.ModeDir | 0o755, UID: 5, GID: 6}, owned(file("/opt/a/x", "x"), 5, 6)},
			[]string{"drwxr-xr-x /opt", "drwxr-xr-x /opt/a 5:6", "-rw-r--r-- /opt/a/x 5:6"}},
		{"a directory that is there keeps its owner", []layer.File{{Path: "/home", Mode: fs.ModeDir | 0o755, UID: 5, GID: 6}, owned(file("/home/x", "x"), 5, 6)},
			[]string{"dgrwxrwxr-x /home 48:50", "-rw-r--r-- /home/x 5:6"}},
		{"one directory by two names", []layer.File{{Path: "/var/run/a", Mode: fs.ModeDir | 0o755, UID: 5}, {Path: "/run/a", Mode: fs.ModeDir | 0o755, UID: 5}},
			[]string{"drwxr-xr-x /run", "drwxr-xr-x /run/a 5:0"}},
		{"a directory over a link to a directory leaves the link", []layer.File{{Path: "/lib", Mode: fs.ModeDir | 0o755}},
			[]string{"Lrwxrwxrwx /lib -> usr/lib"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			entries, err := layer.Entries(t.Context(), below, test.files)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, list(entries)); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
		})
	}
}

func list(entries []layer.Entry) []string {
	var out []string
	for _, e := range entries {
		line := fmt.Sprintf("%s %s", e.Mode, e.Path)
		if e.Target != "" {
			line += " -> " + e.Target
		}
		if e.UID != 0 {
			line += fmt.Sprintf(" %d:%d", e.UID, e.GID)
		}
		out = append(out, line)
	}
	return out
}

func TestEntries_refusesConflicts(t *testing.T) {
	broken := errors.New("the engine is gone")
	for _, test := range []struct {
		name  string
		tree  layer.Tree
		files []layer.File
		want  string
	}{
		{"a file on the way", below, []layer.File{file("/etc/passwd/x", "x")}, "/etc/passwd is not a directory"},
		{"links in a cycle", below, []layer.File{file("/loop/x", "x")}, "symbolic links"},
		{"a file in place of a directory", below, []layer.File{file("/tmp", "x")}, "/tmp is a file in the step and a directory in the image below"},
		{"a directory in place of a file", below, []layer.File{{Path: "/etc/passwd", Mode: fs.ModeDir}}, "/etc/passwd is a directory in the step and a file"},
		{"two names for one file", below, []layer.File{file("/lib/x", "1"), file("/usr/lib/x", "2")}, "/lib/x and /usr/lib/x are the same file"},
		{"a socket", below, []layer.File{{Path: "/x", Mode: fs.ModeSocket}}, "neither a file"},
		{"a tree that cannot be read", failing{broken}, []layer.File{file("/a/x", "x")}, broken.Error()},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := layer.Entries(t.Context(), test.tree, test.files)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want one with %q", err, test.want)
			}
		})
	}
}

type failing struct{ err error }

func (f failing) Lstat(context.Context, string) (*layer.Info, error) { return nil, f.err }

func TestOverlay_hidesTreeBelow(t *testing.T) {
	first, err := layer.Entries(t.Context(), below, []layer.File{{Path: "/opt", Mode: fs.ModeDir | 0o700}})
	if err != nil {
		t.Fatal(err)
	}
	second, err := layer.Entries(t.Context(), layer.Overlay(below, first), []layer.File{file("/opt/x", ""), file("/tmp/x", "")})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"drwx------ /opt", "-rw-r--r-- /opt/x", "dtrwxrwxrwx /tmp", "-rw-r--r-- /tmp/x"}
	if diff := cmp.Diff(want, list(second)); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

var (
	amd64 = ocispec.Platform{OS: "linux", Architecture: "amd64"}
	epoch = time.Unix(1_400_000_000, 0).UTC()

	options = layer.Options{ModTime: epoch, Platform: amd64}
)

func TestAdd_isDeterministic(t *testing.T) {
	add := func(content string) layer.Layer {
		t.Helper()
		entries, err := layer.Entries(t.Context(), below, []layer.File{file("/tmp/x", content), file("/lib/y", "y")})
		if err != nil {
			t.Fatal(err)
		}
		store, err := layer.OpenStore(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		made, err := store.Add(t.Context(), entries, options)
		if err != nil {
			t.Fatal(err)
		}
		again, err := store.Add(t.Context(), entries, options)
		if err != nil {
			t.Fatal(err)
		}
		if made.Known || !again.Known {
			t.Errorf("the layer was known: %t the first time, %t the second", made.Known, again.Known)
		}
		made.Entries, again.Entries = nil, nil
		again.Known = made.Known
		if diff := cmp.Diff(made, again); diff != "" {
			t.Errorf("the second time in one store (-first +second):\n%s", diff)
		}
		return made
	}
	if diff := cmp.Diff(add("x"), add("x")); diff != "" {
		t.Errorf("in two stores (-first +second):\n%s", diff)
	}
	if add("x").DiffID == add("changed").DiffID {
		t.Error("another content gave the same layer")
	}
}

func TestAdd_writesEntries(t *testing.T) {
	entries, err := layer.Entries(t.Context(), below, []layer.File{
		file("/tmp/x", "content"),
		{Path: "/home/l", Mode: fs.ModeSymlink, Target: "elsewhere"},
	})
	if err != nil {
		t.Fatal(err)
	}
	store, err := layer.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	made, err := store.Add(t.Context(), entries, options)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := os.Open(store.Blobs().Path(made.Blob.Digest))
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close()
	verifier := made.DiffID.Verifier()
	zr, err := gzip.NewReader(blob)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	tr := tar.NewReader(io.TeeReader(zr, verifier))
	for {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%c %s %o %d:%d %d %s%s", h.Typeflag, h.Name, h.Mode, h.Uid, h.Gid, h.ModTime.Unix(), h.Linkname, content))
	}
	want := []string{
		"5 home/ 2775 48:50 1400000000 ",
		"2 home/l 777 0:0 1400000000 elsewhere",
		"5 tmp/ 1777 0:0 1400000000 ",
		"0 tmp/x 644 0:0 1400000000 content",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the layer (-want +got):\n%s", diff)
	}
	if _, err := io.Copy(io.Discard, io.TeeReader(zr, verifier)); err != nil {
		t.Fatal(err)
	}
	if !verifier.Verified() {
		t.Error("the diff ID is not the digest of the uncompressed layer")
	}
}

func TestAdd_refusesChangingFile(t *testing.T) {
	reads := 0
	for name, open := range map[string]func(t *testing.T) io.ReadCloser{
		"other bytes": func(*testing.T) io.ReadCloser {
			reads++
			return io.NopCloser(strings.NewReader(fmt.Sprint(reads)))
		},
		"longer":  func(t *testing.T) io.ReadCloser { return resized{onDisk(t, "content"), 3} },
		"shorter": func(t *testing.T) io.ReadCloser { return resized{onDisk(t, "content"), 30} },
	} {
		t.Run(name, func(t *testing.T) {
			changing := layer.File{Path: "/x", Mode: 0o644, Open: func() (io.ReadCloser, error) { return open(t), nil }}
			entries, err := layer.Entries(t.Context(), below, []layer.File{changing, file("/y", "y")})
			if err != nil {
				t.Fatal(err)
			}
			store, err := layer.OpenStore(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := store.Add(t.Context(), entries, options); err == nil || !strings.Contains(err.Error(), "changed while it was read") {
				t.Errorf("got error %v, want one that says that a file changed", err)
			}
		})
	}
}

// A resized is a file that had another size when it was asked for it.
type resized struct {
	*os.File
	size int64
}

func (r resized) Stat() (fs.FileInfo, error) {
	info, err := r.File.Stat()
	return resizedInfo{info, r.size}, err
}

type resizedInfo struct {
	fs.FileInfo
	size int64
}

func (i resizedInfo) Size() int64 { return i.size }

func onDisk(t *testing.T, content string) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestAdd_contentOnDiskOrNot(t *testing.T) {
	content := strings.Repeat("content", 100_000)
	there := layer.File{Path: "/x", Mode: 0o644, Open: func() (io.ReadCloser, error) { return onDisk(t, content), nil }}
	unsized := layer.File{Path: "/x", Mode: 0o644, Open: func() (io.ReadCloser, error) { return resized{onDisk(t, content), 0}, nil }}
	var made []layer.Layer
	for _, f := range []layer.File{there, unsized, file("/x", content)} {
		entries, err := layer.Entries(t.Context(), below, []layer.File{f})
		if err != nil {
			t.Fatal(err)
		}
		store, err := layer.OpenStore(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		one, err := store.Add(t.Context(), entries, options)
		if err != nil {
			t.Fatal(err)
		}
		one.Entries = nil
		made = append(made, one)
	}
	for _, other := range made[1:] {
		if diff := cmp.Diff(made[0], other); diff != "" {
			t.Errorf("the layers (-on disk +elsewhere):\n%s", diff)
		}
	}
}

func TestAdd_repairsTruncatedBlob(t *testing.T) {
	entries, err := layer.Entries(t.Context(), below, []layer.File{file("/x", strings.Repeat("content", 1000))})
	if err != nil {
		t.Fatal(err)
	}
	store, err := layer.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	made, err := store.Add(t.Context(), entries, options)
	if err != nil {
		t.Fatal(err)
	}
	name := store.Blobs().Path(made.Blob.Digest)
	if err := os.Chmod(name, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, 3); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Add(t.Context(), entries, options); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(name); err != nil || info.Size() != made.Blob.Size {
		t.Errorf("after adding again the blob is %v (%v), want %d bytes", info, err, made.Blob.Size)
	}
}

func TestLookup_followsLinks(t *testing.T) {
	for path, want := range map[string]bool{
		"/lib": true, "/lib/x": false, "/var/up": true, "/var/run": true, "/etc/passwd": true, "/usr/lib": true, "/no/where": false,
	} {
		info, err := layer.Lookup(t.Context(), below, path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info != nil; got != want {
			t.Errorf("%s is there: %t, want %t", path, got, want)
		}
	}
}
