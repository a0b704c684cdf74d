package build

import (
	"archive/tar"
	"bytes"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/internal/layer"
)

// archive returns a tar archive of the headers; the content of a file is its name.
func archive(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(h.Name))
		}
		h.Format = tar.FormatPAX
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := io.WriteString(w, h.Name); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// newStream returns a stream for a directory and a file.
func newStream(t testing.TB) *stream {
	t.Helper()
	spool, err := newSpool(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := spool.Close(); err != nil {
			t.Error(err)
		}
	})
	return &stream{spool: spool, links: map[string]place{}, matches: []takenMatch{
		{Name: []byte("dir"), Files: []takenFile{{savedFile: savedFile{Mode: fs.ModeDir | 0o750, UID: 3}}}},
		{Name: []byte("file")},
	}}
}

func TestStream_read(t *testing.T) {
	s := newStream(t)
	data := archive(t,
		tar.Header{Name: "taken/", Typeflag: tar.TypeDir, Mode: 0o755},
		tar.Header{Name: "taken/0/", Typeflag: tar.TypeDir, Mode: 0o755},
		tar.Header{Name: "taken/0/app", Typeflag: tar.TypeReg, Mode: 0o4755, Uid: 5, Gid: 6,
			PAXRecords: map[string]string{"SCHILY.xattr.security.capability": "c", "SCHILY.xattr.trusted.overlay.opaque": "y"}},
		tar.Header{Name: "taken/0/sub/", Typeflag: tar.TypeDir, Mode: 0o1777},
		tar.Header{Name: "taken/0/sub/hard", Typeflag: tar.TypeLink, Linkname: "taken/0/app", Mode: 0o4755},
		tar.Header{Name: "taken/0/sub/soft", Typeflag: tar.TypeSymlink, Linkname: "../../out", Mode: 0o777},
		tar.Header{Name: "taken/1", Typeflag: tar.TypeReg, Mode: 0o644},
	)
	if err := s.read(t.Context(), bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range s.matches {
		for _, f := range m.Files {
			file := f.entry("/"+string(m.Name)+"/"+string(f.Path), s.spool)
			text := file.Path + " " + file.Mode.String() + " " + file.Target + file.Xattrs["security.capability"]
			if file.Open != nil {
				r, err := file.Open()
				if err != nil {
					t.Fatal(err)
				}
				content, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(err)
				}
				text += " " + string(content)
			}
			if len(file.Xattrs) > 1 {
				text += " with attributes of the machine"
			}
			got = append(got, text)
		}
	}
	want := []string{
		"/dir/ drwxr-x--- ", "/dir/app urwxr-xr-x c taken/0/app", "/dir/sub dtrwxrwxrwx ", "/dir/sub/hard urwxr-xr-x c taken/0/app",
		"/dir/sub/soft Lrwxrwxrwx ../../out", "/file/ -rw-r--r--  taken/1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	app, hard, file := s.matches[0].Files[1], s.matches[0].Files[3], s.matches[1].Files[0]
	if app.Links == 0 || app.Links != hard.Links || file.Links != 0 {
		t.Errorf("the numbers of hard links are %d, %d and %d", app.Links, hard.Links, file.Links)
	}
}

func TestStream_errors(t *testing.T) {
	for _, test := range []struct {
		name, want string
		header     tar.Header
	}{
		{"an unknown type", "dir/a: the engine sent an entry of the unknown type 'Z'", tar.Header{Name: "taken/0/a", Typeflag: 'Z'}},
		{"a whiteout", "dir/a/.wh.b: its name begins with .wh.", tar.Header{Name: "taken/0/a/.wh.b", Typeflag: tar.TypeReg}},
		{"a link of nothing", "dir/l: it is a hard link of elsewhere, which the engine did not send", tar.Header{Name: "taken/0/l", Typeflag: tar.TypeLink, Linkname: "elsewhere"}},
		{"another number", "which was not asked for", tar.Header{Name: "taken/2", Typeflag: tar.TypeReg}},
		{"no number", "which was not asked for", tar.Header{Name: "taken/x/y", Typeflag: tar.TypeReg}},
		{"a way out", "which was not asked for", tar.Header{Name: "taken/../taken/9/../../taken/-1", Typeflag: tar.TypeReg}},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := newStream(t).read(t.Context(), bytes.NewReader(archive(t, test.header)))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
	data := archive(t, tar.Header{Name: "taken/1", Typeflag: tar.TypeReg})
	if err := newStream(t).read(t.Context(), bytes.NewReader(data[:515])); err == nil {
		t.Error("a stream that ends in the middle is no error")
	}
}

// Whatever an engine sends, there is an error or files that a layer can hold.
func FuzzStream(f *testing.F) {
	f.Add(archive(f, tar.Header{Name: "taken/0/a", Typeflag: tar.TypeReg}, tar.Header{Name: "taken/1", Typeflag: tar.TypeLink, Linkname: "taken/0/a"}))
	f.Add(archive(f, tar.Header{Name: "taken/0/../../x", Typeflag: tar.TypeDir}, tar.Header{Name: "/taken/0/b/", Typeflag: tar.TypeDir}))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := newStream(t)
		if s.read(t.Context(), bytes.NewReader(data)) != nil {
			return
		}
		for _, m := range s.matches {
			for _, file := range m.Files {
				if p := string(file.Path); strings.HasPrefix(p, "/") || strings.Contains("/"+p+"/", "/../") || strings.Contains("/"+p, "/.wh.") {
					t.Errorf("a file at %q", p)
				}
			}
		}
	})
}

func TestTakenCache(t *testing.T) {
	c := &takenCache{dir: t.TempDir() + "/taken"}
	want := []takenMatch{{Name: []byte("a\xff"), Files: []takenFile{{
		Path: []byte("b"), savedFile: *newSavedFile(&layer.Info{Mode: 0o644, UID: 1, Target: "t", Xattrs: map[string]string{"a": "\xfe"}}), Size: 3, SHA256: []byte("sum"), Links: 1,
	}}}}
	const file = "record"
	if err := c.write(c.dir+"/"+file, want); err != nil {
		t.Fatal(err)
	}
	got, ok := c.read(c.dir + "/" + file)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(takenFile{})); diff != "" || !ok {
		t.Errorf("read %t (-want +got):\n%s", ok, diff)
	}
	fresh := &takenCache{dir: c.dir, fresh: true}
	if _, ok := fresh.read(c.dir + "/" + file); ok {
		t.Error("a record was read although nothing that is known counts")
	}
}
