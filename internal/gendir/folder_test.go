//go:build unix

package gendir_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/internal/gendir"
)

func file(path, data string) gendir.File {
	return gendir.File{Path: path, Mode: 0o644, Data: []byte(data)}
}

var first = []gendir.File{
	file("a/text", "one\ntwo\nthree\n"),
	{Path: "a/tool", Mode: 0o755, Data: []byte("#!/bin/sh\n")},
	{Path: "a/link", Mode: fs.ModeSymlink | 0o777, Target: "text"},
	file("b/deep/er", "x"),
	file("b/empty", ""),
}

// listing is what is in a directory: for each path its mode and content.
func listing(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == dir || entry.Name() == ".pulpimg.json" {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		text := info.Mode().String()
		switch {
		case info.Mode().IsRegular():
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			text += " " + string(data)
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(name)
			if err != nil {
				return err
			}
			text += " " + target
		}
		relative, err := filepath.Rel(dir, name)
		out[relative] = text
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func write(t *testing.T, dir string, files []gendir.File) {
	t.Helper()
	if _, err := (gendir.Folder{Dir: dir}).Write(t.Context(), files); err != nil {
		t.Fatal(err)
	}
	if diff, err := (gendir.Folder{Dir: dir}).Check(t.Context(), files); err != nil || diff != "" {
		t.Errorf("right after it was written: %v\n%s", err, diff)
	}
}

func TestWrite_umask(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	dir := filepath.Join(t.TempDir(), "new", "dir")
	write(t, dir, first)
	want := map[string]string{
		"a": "drwxr-xr-x", "a/link": "Lrwxrwxrwx text", "a/text": "-rw-r--r-- one\ntwo\nthree\n", "a/tool": "-rwxr-xr-x #!/bin/sh\n",
		"b": "drwxr-xr-x", "b/deep": "drwxr-xr-x", "b/deep/er": "-rw-r--r-- x", "b/empty": "-rw-r--r-- ",
	}
	if diff := cmp.Diff(want, listing(t, dir)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWrite_restoresModes(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, first)
	want := listing(t, dir)
	for name, mode := range map[string]fs.FileMode{"a/text": 0o600, "a/tool": 0o700, "a": 0o700, "b/deep": 0o777, "b": 0o750} {
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	write(t, dir, first)
	if diff := cmp.Diff(want, listing(t, dir)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWrite_removesStale(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, first)
	// A file where a directory was, a directory where a file was, a link where a file was.
	next := []gendir.File{file("a", "now a file"), file("b/deep/er/still", "x"), {Path: "b/empty", Mode: fs.ModeSymlink | 0o777, Target: "deep"}}
	for _, want := range [][]string{{"a/link", "a/text", "a/tool", "b/deep/er"}, nil} {
		removed, err := gendir.Folder{Dir: dir}.Write(t.Context(), next)
		if diff := cmp.Diff(want, removed); err != nil || diff != "" {
			t.Errorf("%v; removed (-want +got):\n%s", err, diff)
		}
	}
	want := map[string]string{
		"a": "-rw-r--r-- now a file", "b": "drwxr-xr-x", "b/deep": "drwxr-xr-x", "b/deep/er": "drwxr-xr-x", "b/deep/er/still": "-rw-r--r-- x",
		"b/empty": "Lrwxrwxrwx deep",
	}
	if diff := cmp.Diff(want, listing(t, dir)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWrite_foreignFiles(t *testing.T) {
	for name, prepare := range map[string]func(dir string) error{
		"before it was ever written to": func(dir string) error { return os.WriteFile(filepath.Join(dir, "mine"), nil, 0o644) },
		"later": func(dir string) error {
			_, err := gendir.Folder{Dir: dir}.Write(t.Context(), first)
			return errors.Join(err, os.WriteFile(filepath.Join(dir, "mine"), nil, 0o644))
		},
		"a file of the same name": func(dir string) error {
			return errors.Join(os.Mkdir(filepath.Join(dir, "a"), 0o755), os.WriteFile(filepath.Join(dir, "a", "text"), []byte("mine"), 0o644))
		},
		"a symbolic link that leads out": func(dir string) error {
			return os.Symlink(t.TempDir(), filepath.Join(dir, "a"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := prepare(dir); err != nil {
				t.Fatal(err)
			}
			before := listing(t, dir)
			_, err := gendir.Folder{Dir: dir}.Write(t.Context(), []gendir.File{file("a/text", "new")})
			var foreign *gendir.ForeignError
			if !errors.As(err, &foreign) || len(foreign.Files) != 1 {
				t.Errorf("%v, want an error about one file", err)
			}
			if diff := cmp.Diff(before, listing(t, dir)); diff != "" {
				t.Errorf("the directory changed (-before +after):\n%s", diff)
			}
		})
	}
}

// What was generated of something else is not taken for what is no longer generated.
func TestWrite_otherFolder(t *testing.T) {
	dir := t.TempDir()
	if _, err := (gendir.Folder{Dir: dir, Holds: "the letters of a"}).Write(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	before := listing(t, dir)
	other := gendir.Folder{Dir: dir, Holds: "the letters of b"}
	_, writeErr := other.Write(t.Context(), []gendir.File{file("a/text", "new")})
	_, checkErr := other.Check(t.Context(), first)
	for _, err := range []error{writeErr, checkErr} {
		var otherErr *gendir.OtherError
		if !errors.As(err, &otherErr) || otherErr.Holds != "the letters of a" {
			t.Errorf("got %v", err)
		}
	}
	if diff := cmp.Diff(before, listing(t, dir)); diff != "" {
		t.Errorf("the directory changed (-before +after):\n%s", diff)
	}
	// An older note does not say what it is about.
	unsaid := t.TempDir()
	write(t, unsaid, first)
	if _, err := (gendir.Folder{Dir: unsaid, Holds: "the letters of b"}).Write(t.Context(), first[:1]); err != nil {
		t.Error(err)
	}
}

// After an interrupted write, the next one continues.
func TestWrite_interrupted(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, first)
	if err := os.Chmod(filepath.Join(dir, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (gendir.Folder{Dir: dir}).Write(ctx, []gendir.File{file("c", "new")}); err == nil {
		t.Fatal("it did not notice that it was interrupted")
	}
	if err := os.WriteFile(filepath.Join(dir, ".pulpimg-new"), []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	write(t, dir, []gendir.File{file("c", "new")})
	if diff := cmp.Diff(map[string]string{"c": "-rw-r--r-- new"}, listing(t, dir)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestCheck(t *testing.T) {
	for name, test := range map[string]struct {
		change func(dir string) error
		want   []string
	}{
		"a line": {
			func(dir string) error {
				return os.WriteFile(filepath.Join(dir, "a/text"), []byte("one\n2\nthree\n"), 0o644)
			},
			[]string{"--- DIR/a/text\n+++ DIR/a/text\n@@ -1,3 +1,3 @@\n one\n-2\n+two\n three\n"},
		},
		"a file that is missing": {func(dir string) error { return os.Remove(filepath.Join(dir, "b/deep/er")) }, []string{"--- /dev/null\n+++ DIR/b/deep/er\n", "\n+x\n"}},
		"an empty one":           {func(dir string) error { return os.Remove(filepath.Join(dir, "b/empty")) }, []string{"--- /dev/null\n+++ DIR/b/empty\n"}},
		"one too many": {
			func(dir string) error { return os.WriteFile(filepath.Join(dir, "b/more"), []byte("m\n"), 0o644) },
			[]string{"--- DIR/b/more\n+++ /dev/null\n", "-m\n"},
		},
		"a mode": {func(dir string) error { return os.Chmod(filepath.Join(dir, "a/tool"), 0o644) }, []string{"DIR/a/tool: it is a plain file and should be executable\n"}},
		"a link": {
			func(dir string) error {
				return errors.Join(os.Remove(filepath.Join(dir, "a/link")), os.Symlink("tool", filepath.Join(dir, "a/link")))
			},
			[]string{"--> tool\n", "+-> text\n"},
		},
		"a program": {
			func(dir string) error {
				return os.WriteFile(filepath.Join(dir, "a/tool"), []byte("\x7fELF\x00"), 0o755)
			},
			[]string{"binary files DIR/a/tool and DIR/a/tool differ\n"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, first)
			if err := test.change(dir); err != nil {
				t.Fatal(err)
			}
			diff, err := gendir.Folder{Dir: dir}.Check(t.Context(), first)
			if err != nil {
				t.Fatal(err)
			}
			diff = strings.ReplaceAll(diff, dir, "DIR")
			for _, want := range test.want {
				if !strings.Contains(diff, want) {
					t.Errorf("the difference lacks %q:\n%s", want, diff)
				}
			}
		})
	}
}

func TestCheck_noDirectory(t *testing.T) {
	if _, err := (gendir.Folder{Dir: filepath.Join(t.TempDir(), "none")}).Check(t.Context(), first); err == nil || !strings.Contains(err.Error(), "there is no directory") {
		t.Errorf("%v", err)
	}
}
