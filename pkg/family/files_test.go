package family_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// listed copies something and returns what the step holds: a line for each file.
func listed(t *testing.T, dir, files string) ([]string, error) {
	t.Helper()
	f, err := resolve(t, step("files: "+files), family.Options{Dir: dir})
	if err != nil {
		return nil, err
	}
	var out []string
	for _, file := range f.Images[0].Steps[0].(family.Files).Files {
		line := file.Mode.String() + " " + file.Path
		switch {
		case file.Target != "":
			line += " -> " + file.Target
		case file.Mode.IsRegular():
			line += " " + content(t, file, "amd64")
		}
		out = append(out, line)
	}
	return out, nil
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
}

func TestFiles_copy(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a folder with spaces")
	write(t, dir, map[string]string{"one": "1", "d/b": "b", "d/a": "a", "d/sub/c": "c", "run": "r"})
	if err := os.Chmod(filepath.Join(dir, "run"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "d/empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	link(t, "sub/c", filepath.Join(dir, "d/link"))
	link(t, "../a", filepath.Join(dir, "d/sub/up"))
	link(t, "d", filepath.Join(dir, "dlink"))
	link(t, "one", filepath.Join(dir, "onelink"))
	inD := []string{"-rw-r--r-- /t/a a", "-rw-r--r-- /t/b b", "drwxr-xr-x /t/empty", "Lrwxrwxrwx /t/link -> sub/c", "-rw-r--r-- /t/sub/c c", "Lrwxrwxrwx /t/sub/up -> ../a"}
	for _, test := range []struct {
		name, files string
		want        []string
	}{
		{"a file", "{from: one, to: /t}", []string{"-rw-r--r-- /t 1"}},
		{"a file into a directory", "{from: one, to: /t/}", []string{"-rw-r--r-- /t/one 1"}},
		{"a file into the root", "{from: one, to: /}", []string{"-rw-r--r-- /one 1"}},
		{"a file that is executable", "{from: run, to: /t}", []string{"-rwxr-xr-x /t r"}},
		{"a file with a mode", "{from: run, to: /t, mode: 4750}", []string{"urwxr-x--- /t r"}},
		{"a file of a directory, in other words", "{from: ./d/../d/a, to: /t}", []string{"-rw-r--r-- /t a"}},
		{"a link to a file", "{from: onelink, to: /t}", []string{"-rw-r--r-- /t 1"}},
		{"a directory", "{from: d, to: /t}", inD},
		{"a directory with a slash", "{from: d/, to: /t/}", inD},
		{"a link to a directory", "{from: dlink, to: /t}", inD},
		{"an empty directory", "{from: d/empty, to: /t}", []string{"drwxr-xr-x /t"}},
		{"several", "[{from: one, to: /t}, {from: d/a, to: /u}]", []string{"-rw-r--r-- /t 1", "-rw-r--r-- /u a"}},
		{"the folder itself", "{from: ., to: /t}", append([]string{"-rw-r--r-- /t/d/a a", "-rw-r--r-- /t/d/b b", "drwxr-xr-x /t/d/empty", "Lrwxrwxrwx /t/d/link -> sub/c",
			"-rw-r--r-- /t/d/sub/c c", "Lrwxrwxrwx /t/d/sub/up -> ../a"}, "Lrwxrwxrwx /t/dlink -> d", "-rw-r--r-- /t/one 1", "Lrwxrwxrwx /t/onelink -> one", "-rwxr-xr-x /t/run r")},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := listed(t, dir, test.files)
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("%v, files (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestFiles_directoryModes(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"d/sticky/a": "", "d/group/b": "", "d/sub/c": "", "d/out/x": "", "e/group/y": "", ".dockerignore": "d/out\n"})
	for name, mode := range map[string]fs.FileMode{
		"d": fs.ModeSetgid | 0o700, "d/sticky": fs.ModeSticky | 0o775, "d/group": fs.ModeSetgid | fs.ModeSetuid | 0o700, "d/sub": 0o711, "d/out": fs.ModeSticky | 0o777, "e/group": fs.ModeSetgid | fs.ModeSetuid | 0o755,
	} {
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name, files string
		want        []string
	}{
		{"below and at the top", "{from: d, to: /t}",
			[]string{"dgrwxr-xr-x /t", "dugrwxr-xr-x /t/group", "-rw-r--r-- /t/group/b ", "dtrwxrwxr-x /t/sticky", "-rw-r--r-- /t/sticky/a ", "-rw-r--r-- /t/sub/c "}},
		{"not of the root", "{from: d/sticky, to: /}", []string{"-rw-r--r-- /a "}},
		{"a mode is for files", "{from: d/sticky, to: /t, mode: 4700}", []string{"dtrwxrwxr-x /t", "urwx------ /t/a "}},
		{"one directory of two copies", "[{from: d/group, to: /t}, {from: e/group, to: /t}]", []string{"dugrwxr-xr-x /t", "-rw-r--r-- /t/b ", "-rw-r--r-- /t/y "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := listed(t, dir, test.files)
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("%v, files (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestFiles_outsideFolder(t *testing.T) {
	outside := t.TempDir()
	write(t, outside, map[string]string{"secret": "s", "d/secret": "s"})
	dir := t.TempDir()
	write(t, dir, map[string]string{"file": "f", "up/x": "x", "abs/x": "x", "far/d/x": "x"})
	link(t, filepath.Join(outside, "secret"), filepath.Join(dir, "absolute"))
	link(t, "../"+filepath.Base(outside)+"/secret", filepath.Join(dir, "relative"))
	link(t, outside, filepath.Join(dir, "folder"))
	link(t, "loop", filepath.Join(dir, "loop"))
	link(t, "../file", filepath.Join(dir, "up/link"))
	link(t, "/etc/passwd", filepath.Join(dir, "abs/link"))
	link(t, "d/../../../x", filepath.Join(dir, "far/link"))
	link(t, filepath.Join(outside, "secret"), filepath.Join(dir, "x.aug"))
	socket, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	for _, test := range []struct{ name, from, want string }{
		{"an absolute path", outside + "/secret", `"` + outside + `/secret" is outside the spec's folder (name a file in the folder of the spec)`},
		{"the folder above", "..", `".." is outside the spec's folder (name a file in the folder of the spec)`},
		{"an absolute link", "absolute", `"absolute" cannot be copied: a symbolic link leads out of the spec's folder`},
		{"a relative link", "relative", `"relative" cannot be copied: a symbolic link leads out of the spec's folder`},
		{"through a linked folder", "folder/secret", `"folder/secret" cannot be copied: a symbolic link leads out of the spec's folder`},
		{"a linked folder", "folder", `"folder" cannot be copied: a symbolic link leads out of the spec's folder`},
		{"a link to itself", "loop", `"loop" cannot be copied: too many levels of symbolic links`},
		{"a link in a directory that leads out of it", "up", `"up" cannot be copied: the symbolic link link leads out of it, to ../file`},
		{"an absolute link in a directory", "abs", `"abs" cannot be copied: the symbolic link link leads out of it, to /etc/passwd`},
		{"a link in a directory that leads out of it the long way", "far", `"far" cannot be copied: the symbolic link link leads out of it, to d/../../../x`},
		{"a socket", "socket", `"socket" cannot be copied: socket is neither a file, a directory nor a symbolic link`},
		{"below a file", "file/x", `"file/x" cannot be copied: not a directory`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := listed(t, dir, "{from: "+test.from+", to: /t}")
			if want := "f.yaml:8:30: " + test.want; err == nil || err.Error() != want {
				t.Errorf("files %q, error %v, want %s", got, err, want)
			}
		})
	}
	t.Run("a lens", func(t *testing.T) {
		_, err := resolve(t, step("lens: x.aug"), family.Options{Dir: dir})
		if want := "x.aug beside the spec cannot be read: a symbolic link leads out of the spec's folder"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	})
}

// A file that is replaced by a symbolic link is not followed out of the folder.
func TestFiles_replacedByLink(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"f": "f"})
	f := mustResolve(t, step("files: {from: f, to: /f}"), family.Options{Dir: dir})
	if err := os.Remove(filepath.Join(dir, "f")); err != nil {
		t.Fatal(err)
	}
	link(t, "/etc/passwd", filepath.Join(dir, "f"))
	if r, err := f.Images[0].Steps[0].(family.Files).Files[0].Content.Open("amd64"); err == nil {
		r.Close()
		t.Error("the file is read through the link")
	}
}

func TestFiles_samePath(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a": "a", "b": "b"})
	for _, test := range []struct{ name, files, want string }{
		{"twice the same", "[{from: a, to: /t}, {from: b, to: /t}]", "f.yaml:8:43: this step puts two files at /t"},
		{"a file below a file", "[{from: a, to: /t}, {from: b, to: /t/b}]", "f.yaml:8:43: this step puts /t/b below /t, which is no directory"},
		{"a file above a file", "[{from: b, to: /t/u/b}, {from: a, to: /t}]", "f.yaml:8:47: this step puts /t/u/b below /t, which is no directory"},
	} {
		if _, err := listed(t, dir, test.files); err == nil || err.Error() != test.want {
			t.Errorf("%s: error %v, want %s", test.name, err, test.want)
		}
	}
}

// A lens beside the spec is preferred to the built-in one.
func TestLens_besideSpec(t *testing.T) {
	dir := t.TempDir()
	lens := func() string {
		return content(t, mustResolve(t, step("lens: pulpconf.aug"), family.Options{Dir: dir}).Images[0].Steps[0].(family.Files).Files[0], "amd64")
	}
	if got, want := lens(), "module PulpConf =\n"; got != want {
		t.Errorf("the built-in lens is %q, want %q", got, want)
	}
	write(t, dir, map[string]string{"pulpconf.aug": "own"})
	if got, want := lens(), "own"; got != want {
		t.Errorf("the lens is %q, want %q", got, want)
	}
}

func TestHelper_architecture(t *testing.T) {
	helper := mustResolve(t, step("helpers: [wait]"), family.Options{}).Images[0].Steps[0].(family.Files).Files[0]
	for _, arch := range []string{"amd64", "arm64"} {
		if got, want := content(t, helper, arch), "helper for "+arch; got != want {
			t.Errorf("for %s the helper is %q, want %q", arch, got, want)
		}
	}
	_, err := helper.Content.Open("riscv64")
	if want := "this pulpimg was built without its helper for riscv64"; err == nil || err.Error() != want {
		t.Errorf("for an unknown architecture: %v, want %s", err, want)
	}
}

func TestWithDir(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"s.yaml": step("files: {from: f, to: /f}"), "f": "f"})
	t.Chdir(t.TempDir())
	relative, err := filepath.Rel(mustGetwd(t), filepath.Join(dir, "s.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{filepath.Join(dir, "s.yaml"), relative} {
		s, err := spec.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := family.Resolve(s, family.Options{Dir: filepath.Dir(name)})
		if err != nil {
			t.Fatal(err)
		}
		if got := content(t, f.Images[0].Steps[0].(family.Files).Files[0], "amd64"); got != "f" {
			t.Errorf("%s: the file holds %q", name, got)
		}
	}
}

func mustGetwd(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// No copy may put files where pulpimg puts what containers start with.
func TestFiles_reserved(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "tree/share/pulpimg"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"x", "tree/share/pulpimg/start"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for value, want := range map[string]string{
		"{from: x, to: /usr/bin/pulp-helper}":           "/usr/bin/pulp-helper",
		"{from: x, to: /usr/share/pulpimg/}":            "/usr/share/pulpimg/x",
		"{from: tree, to: /usr}":                        "/usr/share/pulpimg/start",
		"{from: tree, to: /usr/share/pulpimg/contract}": "/usr/share/pulpimg/contract/share/pulpimg/start",
		"{from: x, to: /run.sh}":                        "",
		"{from: x, to: /usr/bin/pulp-helper.d}":         "",
	} {
		_, err := resolve(t, step("files: "+value), family.Options{Dir: dir})
		var all spec.Errors
		switch {
		case want == "" && err != nil, want != "" && (!errors.As(err, &all) || len(all) != 1):
			t.Errorf("%s: %v", value, err)
		case want != "" && err.Error() != reserved("23", want):
			t.Errorf("%s: %v, want %s", value, err, reserved("23", want))
		}
	}
}
