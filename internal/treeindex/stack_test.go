package treeindex_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/treeindex"
)

func dir(name string, mode int64) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode, Uid: 1, Gid: 2}
}

func file(name string, mode int64) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Uid: 3, Gid: 4}
}

func symlink(name, target string) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o600}
}

func hardlink(name, target string) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: target, Mode: 0o640, Uid: 3, Gid: 4}
}

func xattr(h *tar.Header, name, value string) *tar.Header {
	h.PAXRecords = map[string]string{"SCHILY.xattr." + name: value}
	return h
}

func device(kind byte, name string, major, minor int64) *tar.Header {
	return &tar.Header{Typeflag: kind, Name: name, Mode: 0o620, Devmajor: major, Devminor: minor}
}

type headers = []*tar.Header

// index returns the index of a layer. The content of each file is the number of the layer and that of its header.
func index(t testing.TB, number int, entries headers) *treeindex.Index {
	t.Helper()
	data := (&tarball{headers: entries}).bytes(t, number)
	index, _, err := treeindex.Read(t.Context(), bytes.NewReader(data), ocispec.MediaTypeImageLayer)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func TestTree_rules(t *testing.T) {
	for _, test := range []struct {
		name   string
		layers []headers
		want   map[string]string // mode, owner, target or content, extended attributes
	}{
		{name: "no layers"},
		{name: "a layer without entries", layers: []headers{{}}},
		{
			name:   "files of every type, with every bit",
			layers: []headers{{dir("d", 0o1777), file("d/f", 0o6755), symlink("l", "d/f"), device(tar.TypeFifo, "p", 0, 0), device(tar.TypeChar, "c", 1, 3), device(tar.TypeBlock, "b", 8, 0)}},
			want: map[string]string{
				"/d": "dtrwxrwxrwx 1:2", "/d/f": "ugrwxr-xr-x 3:4 0/1", "/l": "Lrwxrwxrwx 0:0 d/f", "/p": "prw--w---- 0:0", "/c": "Dcrw--w---- 0:0",
				"/b": "Drw--w---- 0:0",
			},
		},
		{
			name:   "owners above 2^21",
			layers: []headers{{{Typeflag: tar.TypeReg, Name: "f", Uid: 1 << 31, Gid: 1<<32 - 2}}},
			want:   map[string]string{"/f": "---------- 2147483648:4294967294 0/0"},
		},
		{
			name:   "names from the top, from here, and from above",
			layers: []headers{{file("./a", 0o644), file("/b", 0o644), file("../../c", 0o644), file("x/../d", 0o644), dir(".", 0o700)}},
			want: map[string]string{
				"/a": "-rw-r--r-- 3:4 0/0", "/b": "-rw-r--r-- 3:4 0/1", "/c": "-rw-r--r-- 3:4 0/2", "/d": "-rw-r--r-- 3:4 0/3",
			},
		},
		{
			name:   "a name that is no UTF-8",
			layers: []headers{{file("\xff", 0o644)}},
			want:   map[string]string{"/\xff": "-rw-r--r-- 3:4 0/0"},
		},
		{
			name:   "of a name that comes again, the last counts",
			layers: []headers{{file("f", 0o600), file("f", 0o644), dir("d", 0o700), file("d/x", 0o644), file("d", 0o644)}},
			want:   map[string]string{"/f": "-rw-r--r-- 3:4 0/1", "/d": "-rw-r--r-- 3:4 0/4"},
		},
		{
			name:   "a whiteout",
			layers: []headers{{file("d/a", 0o644), file("d/b", 0o644), file("e/a", 0o644)}, {file("d/.wh.a", 0), file(".wh.e", 0), file(".wh.nothing", 0)}},
			want:   map[string]string{"/d": "drwxr-xr-x 0:0", "/d/b": "-rw-r--r-- 3:4 0/1"},
		},
		{
			name:   "a whiteout before and after what the layer has of the name",
			layers: []headers{{file("d/a", 0o644), file("e/a", 0o644)}, {file(".wh.d", 0), file("d/b", 0o644), file("e/b", 0o644), file(".wh.e", 0)}},
			want: map[string]string{
				"/d": "drwxr-xr-x 0:0", "/d/b": "-rw-r--r-- 3:4 1/1", "/e": "drwxr-xr-x 0:0", "/e/b": "-rw-r--r-- 3:4 1/2",
			},
		},
		{
			name: "an opaque directory hides what is below, and nothing of its layer, in any order",
			layers: []headers{
				{file("d/a", 0o644), file("e/s/a", 0o644)},
				{file("d/b", 0o644), file("d/.wh..wh..opq", 0), file("d/c", 0o644), file("e/.wh..wh..opq", 0), file("e/s/b", 0o644)},
			},
			want: map[string]string{
				"/d": "drwxr-xr-x 0:0", "/d/b": "-rw-r--r-- 3:4 1/0", "/d/c": "-rw-r--r-- 3:4 1/2", "/e": "drwxr-xr-x 0:0", "/e/s": "drwxr-xr-x 0:0",
				"/e/s/b": "-rw-r--r-- 3:4 1/4",
			},
		},
		{
			name:   "an opaque root",
			layers: []headers{{file("a", 0o644)}, {file("b", 0o644), file(".wh..wh..opq", 0)}},
			want:   map[string]string{"/b": "-rw-r--r-- 3:4 1/0"},
		},
		{
			name:   "what AUFS keeps for itself",
			layers: []headers{{file("a", 0o644), dir(".wh..wh.plnk", 0o700), file(".wh..wh.aufs", 0)}},
			want:   map[string]string{"/a": "-rw-r--r-- 3:4 0/0"},
		},
		{
			name:   "a device that overlay file systems take for a whiteout",
			layers: []headers{{file("a", 0o644)}, {device(tar.TypeChar, "a", 0, 0)}},
		},
		{
			name:   "a file instead of a directory, and a directory instead of a file",
			layers: []headers{{file("d/a", 0o644), file("f", 0o644), symlink("l", "d")}, {file("d", 0o644), dir("f", 0o755), dir("l", 0o755)}, {dir("d", 0o755)}},
			want:   map[string]string{"/d": "drwxr-xr-x 1:2", "/f": "drwxr-xr-x 1:2", "/l": "drwxr-xr-x 1:2"},
		},
		{
			name:   "a directory in several layers has the attributes of the highest, and all files",
			layers: []headers{{xattr(dir("d", 0o700), "user.a", "1"), file("d/a", 0o644)}, {dir("d", 0o711), file("d/b", 0o644)}},
			want:   map[string]string{"/d": "drwx--x--x 1:2", "/d/a": "-rw-r--r-- 3:4 0/1", "/d/b": "-rw-r--r-- 3:4 1/1"},
		},
		{
			name:   "a directory without an entry is as in a layer below",
			layers: []headers{{xattr(dir("d", 0o2711), "user.a", "1")}, {}, {file("d/e/f", 0o644)}},
			want:   map[string]string{"/d": "dgrwx--x--x 1:2 user.a=1", "/d/e": "drwxr-xr-x 0:2", "/d/e/f": "-rw-r--r-- 3:4 2/0"},
		},
		{
			name:   "a directory with an entry after its files",
			layers: []headers{{file("d/f", 0o644), dir("d", 0o700)}},
			want:   map[string]string{"/d": "drwx------ 1:2", "/d/f": "-rw-r--r-- 3:4 0/0"},
		},
		{
			name:   "an entry below a symbolic link of its layer is where that leads to",
			layers: []headers{{dir("usr/lib", 0o755), symlink("lib", "usr/lib"), file("lib/x", 0o644), symlink("up", "../../usr"), file("up/y", 0o644)}},
			want: map[string]string{
				"/usr": "drwxr-xr-x 0:0", "/usr/lib": "drwxr-xr-x 1:2", "/lib": "Lrwxrwxrwx 0:0 usr/lib", "/usr/lib/x": "-rw-r--r-- 3:4 0/2",
				"/up": "Lrwxrwxrwx 0:0 ../../usr", "/usr/y": "-rw-r--r-- 3:4 0/4",
			},
		},
		{
			name:   "an entry below a symbolic link of a layer below replaces that",
			layers: []headers{{dir("usr/lib", 0o711), file("usr/lib/x", 0o644), symlink("lib", "usr/lib")}, {file("lib/y", 0o644)}},
			want: map[string]string{
				"/usr": "drwxr-xr-x 0:0", "/usr/lib": "drwx--x--x 1:2", "/usr/lib/x": "-rw-r--r-- 3:4 0/1", "/lib": "drwx--x--x 1:2",
				"/lib/y": "-rw-r--r-- 3:4 1/0",
			},
		},
		{
			name:   "a hard link is the file, and what is said of it holds for both names",
			layers: []headers{{xattr(file("a", 0o600), "user.a", "1"), hardlink("d/b", "./a"), symlink("s", "a"), hardlink("t", "s")}},
			want: map[string]string{
				"/a": "-rw-r----- 3:4 0/0 user.a=1", "/d": "drwxr-xr-x 0:0", "/d/b": "-rw-r----- 3:4 0/0 user.a=1", "/s": "Lrwxrwxrwx 3:4 a",
				"/t": "Lrwxrwxrwx 3:4 a",
			},
		},
		{
			name:   "a hard link stays when its target is replaced",
			layers: []headers{{file("a", 0o644), hardlink("b", "a"), file("a", 0o600)}, {file(".wh.a", 0)}},
			want:   map[string]string{"/b": "-rw-r----- 3:4 0/0"},
		},
		{
			name:   "a hard link of a file in a layer below",
			layers: []headers{{xattr(file("a", 0o640), "user.a", "1"), symlink("l", "a")}, {hardlink("b", "a"), hardlink("k", "l")}, {file("a", 0o600), hardlink("c", "b")}},
			want: map[string]string{
				"/a": "-rw------- 3:4 2/0", "/b": "-rw-r----- 3:4 0/0 user.a=1", "/c": "-rw-r----- 3:4 0/0 user.a=1", "/l": "Lrwxrwxrwx 0:0 a",
				"/k": "Lrwxrwxrwx 3:4 a",
			},
		},
		{
			name: "extended attributes of the machine and its administrator are not those of the file",
			layers: []headers{{xattr(file("a", 0o644), "security.selinux", "x"), xattr(file("b", 0o644), "trusted.a", "x"),
				xattr(symlink("c", "a"), "user.a", "x"), xattr(file("d", 0o644), "security.capability", "x"), xattr(file("e", 0o644), "x", "x")}},
			want: map[string]string{
				"/a": "-rw-r--r-- 3:4 0/0", "/b": "-rw-r--r-- 3:4 0/1", "/c": "Lrwxrwxrwx 0:0 a", "/d": "-rw-r--r-- 3:4 0/3 security.capability=x",
				"/e": "-rw-r--r-- 3:4 0/4",
			},
		},
		{
			name: "a global header is about no file",
			layers: []headers{{{Typeflag: tar.TypeXGlobalHeader, Name: "pax_global_header", PAXRecords: map[string]string{"comment": "x"}},
				file("a", 0o644)}},
			want: map[string]string{"/a": "-rw-r--r-- 3:4 0/1"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var indexes []*treeindex.Index
			var numbers []int
			for number, entries := range test.layers {
				indexes, numbers = append(indexes, encoded(t, index(t, number, entries))), append(numbers, number)
			}
			got := map[string]string{}
			for p, file := range filesOf(t, treeindex.Stack(indexes...), numbers) {
				got[p] = file.String()
			}
			if diff := cmp.Diff(test.want, got); diff != "" && len(test.want)+len(got) > 0 {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

// String describes a file as the table does.
func (f found) String() string {
	out := fmt.Sprintf("%s %d:%d", f.Mode, f.UID, f.GID)
	for _, more := range []string{f.Target, f.Content} {
		if more != "" {
			out += " " + more
		}
	}
	for name, value := range f.Xattrs {
		out += " " + name + "=" + value
	}
	return out
}

func TestLstat_missing(t *testing.T) {
	tree := treeindex.Stack(index(t, 0, headers{file("d/f", 0o644), symlink("l", "d")}))
	for _, p := range []string{"/x", "/d/x", "/d/f/x", "/l/f", "/x/y/z"} {
		if info, err := tree.Lstat(t.Context(), p); info != nil || err != nil {
			t.Errorf("%s: got %v, %v", p, info, err)
		}
		if names, err := tree.Names(t.Context(), p); len(names) > 0 || err != nil {
			t.Errorf("%s: got the names %q, %v", p, names, err)
		}
	}
	if info, err := tree.Lstat(t.Context(), "/"); err != nil || info.Mode != fs.ModeDir|0o755 {
		t.Errorf("the root: got %v, %v", info, err)
	}
}

func TestLstat_linkToNothing(t *testing.T) {
	tree := treeindex.Stack(index(t, 0, headers{dir("d", 0o755)}), index(t, 1, headers{hardlink("a", "b"), hardlink("c", "d")}))
	for _, p := range []string{"/a", "/c"} {
		if info, err := tree.Lstat(t.Context(), p); err == nil {
			t.Errorf("%s is a hard link of no file, and has the information %v", p, info)
		}
		if _, _, ok := tree.Origin(p); ok {
			t.Errorf("%s is a hard link of no file, and has a content", p)
		}
	}
}

// What a caller does with an answer does not change the next one.
func TestLstat_answersAreNew(t *testing.T) {
	tree := treeindex.Stack(index(t, 0, headers{xattr(file("a", 0o644), "user.a", "1")}), index(t, 1, headers{hardlink("b", "a")}))
	for _, p := range []string{"/a", "/b"} {
		for range 2 {
			info, err := tree.Lstat(t.Context(), p)
			if err != nil || info.Xattrs["user.a"] != "1" {
				t.Fatalf("%s: got %v, %v", p, info, err)
			}
			info.Xattrs["user.a"] = "2"
		}
	}
}

func TestTree_contextEnds(t *testing.T) {
	tree := treeindex.Stack(index(t, 0, headers{file("etc/passwd", 0o644)}))
	cause := errors.New("the user has had enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, lstat := tree.Lstat(ctx, "/etc")
	_, names := tree.Names(ctx, "/etc")
	_, content := tree.ReadFile(ctx, "/etc/passwd", 10)
	for _, err := range []error{lstat, names, content} {
		if !errors.Is(err, cause) {
			t.Errorf("got error %v", err)
		}
	}
}

func TestReadFile_ofAccounts(t *testing.T) {
	lower := index(t, 0, headers{file("etc/passwd", 0o644), file("etc/group", 0o644), file("etc/shadow", 0o600), symlink("etc/link", "passwd")})
	for _, test := range []struct {
		name    string
		upper   headers
		path    string
		limit   int64
		want    string
		unknown bool
	}{
		{name: "of the layer below", path: "/etc/passwd", want: "0/0"},
		{name: "as far as is asked for", path: "/etc/group", limit: 2, want: "0/"},
		{name: "of the layer above", upper: headers{file("etc/passwd", 0o644), file("etc/passwd", 0o600)}, path: "/etc/passwd", want: "1/1"},
		{name: "through a symbolic link", path: "/etc/link", want: "0/0"},
		{name: "through a hard link", upper: headers{hardlink("etc/new", "etc/passwd")}, path: "/etc/new", want: "0/0"},
		{name: "of a file that was a directory", upper: headers{file("etc/group/a", 0o644), file("etc/group", 0o644)}, path: "/etc/group", want: "1/1"},
		{name: "of another file", path: "/etc/shadow", unknown: true},
		{name: "of a hard link of another file", upper: headers{file("a", 0o644), hardlink("etc/passwd", "a")}, path: "/etc/passwd", unknown: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			tree := treeindex.Stack(lower, encoded(t, index(t, 1, test.upper)))
			if test.limit > 0 {
				data, err := tree.ReadFile(t.Context(), test.path, test.limit)
				if err != nil || string(data) != test.want {
					t.Errorf("got %q, %v", data, err)
				}
				return
			}
			data, err := layer.ReadFile(t.Context(), tree, test.path, 1<<20)
			if string(data) != test.want || (err != nil) != test.unknown {
				t.Errorf("got %q, %v", data, err)
			}
			if test.unknown && !strings.Contains(err.Error(), "is not known") {
				t.Errorf("got error %v", err)
			}
		})
	}
	if _, err := treeindex.Stack(lower, index(t, 1, headers{file("etc/.wh.passwd", 0)})).ReadFile(t.Context(), "/etc/passwd", 10); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a file that is hidden: got error %v", err)
	}
}
