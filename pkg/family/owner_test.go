package family_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
)

func TestOwner_IDs(t *testing.T) {
	for owner, want := range map[family.Owner]struct {
		uid, gid int
		ok       bool
	}{
		"":                      {0, 0, true},
		"0":                     {0, 0, true},
		"65532":                 {65532, 65532, true},
		"65532:0":               {65532, 0, true},
		"007:8":                 {7, 8, true},
		"root":                  {0, 0, true},
		"root:root":             {0, 0, true},
		"root:5":                {0, 5, true},
		"4294967294:4294967294": {4294967294, 4294967294, true},
		"4294967295":            {},
		"18446744073709551616":  {},
		"app":                   {},
		"app:5":                 {},
		"5:web":                 {uid: 5},
		"0x5":                   {},
	} {
		uid, gid, ok := owner.IDs()
		if ok != want.ok || ok && (uid != want.uid || gid != want.gid) {
			t.Errorf("%q: %d, %d, %t; want %v", owner, uid, gid, ok, want)
		}
	}
}

func TestFiles_owner(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"d/sub/a": "", "d/b": "", "f": ""})
	link(t, "b", filepath.Join(dir, "d/link"))
	for _, name := range []string{"d/sub/empty", "d/group"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "d/group"), fs.ModeSetgid|0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, files string
		want        []string
	}{
		{"a file", `{from: f, to: /opt/f, owner: app}`, []string{"app -rw-r--r-- /opt/f"}},
		{"set-id bits stay", `{from: f, to: /opt/f, owner: "5:6", mode: "4755"}`, []string{"5:6 urwxr-xr-x /opt/f"}},
		{"all that is copied, and not what is above", `{from: d, to: /opt/t, owner: "app:web"}`, []string{
			"app:web drwxr-xr-x /opt/t", "app:web -rw-r--r-- /opt/t/b", "app:web dgrwxr-xr-x /opt/t/group", "app:web Lrwxrwxrwx /opt/t/link",
			"app:web drwxr-xr-x /opt/t/sub", "app:web -rw-r--r-- /opt/t/sub/a", "app:web drwxr-xr-x /opt/t/sub/empty"}},
		{"not the root", `{from: d/sub, to: /, owner: app}`, []string{"app -rw-r--r-- /a", "app drwxr-xr-x /empty"}},
		{"what is left out brings no directory", `{from: d, to: /t, owner: app, exclude: [sub, group, link]}`, []string{"app drwxr-xr-x /t", "app -rw-r--r-- /t/b"}},
		{"of two copies, the first one gives the directory its owner", `[{from: d/sub, to: /t, owner: app, exclude: [empty]}, {from: f, to: /t/}, {from: d, to: /t, owner: web, exclude: [sub, group, link]}]`,
			[]string{"app drwxr-xr-x /t", "app -rw-r--r-- /t/a", " -rw-r--r-- /t/f", "web -rw-r--r-- /t/b"}},
		{"a variable", `{from: f, to: /f, owner: "${{ who }}:web"}`, []string{"app:web -rw-r--r-- /f"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := mustResolve(t, head+"variables: {who: {default: app}}\nimages: {a: {from: scratch, steps: [files: "+test.files+"]}}\n", family.Options{Dir: dir})
			var got []string
			for _, file := range f.Images[0].Steps[0].(family.Files).Files {
				got = append(got, string(file.Owner)+" "+file.Mode.String()+" "+file.Path)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFiles_patterns(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"a.conf": "", "b.conf": "", "b.txt": "", "src/x/conf/1": "", "src/y/conf/2": "", "src/y/conf/sub/3": "", "src/z/other": "", "src/w/conf": "",
		"[odd]": "odd", "o": "", "*star": "", "sstar": "", ".dockerignore": "src/z\nsecret*\n", "secret1": "", "only/d/e": "", "p1/n": "", "p2/n": "",
	})
	link(t, "src/y", filepath.Join(dir, "way"))
	link(t, "x", filepath.Join(dir, "src/link"))
	for _, test := range []struct {
		name, files string
		want        []string
	}{
		{"files", `{from: "*.conf", to: /t/}`, []string{"/t/a.conf", "/t/b.conf"}},
		{"a single file", `{from: "a.*", to: /t/}`, []string{"/t/a.conf"}},
		{"the content of directories, and not through links", `{from: src/*/conf, to: /t/}`, []string{"/t/1", "/t/2", "/t/conf", "/t/sub/3"}},
		{"a link on the way to the pattern", `{from: way/*, to: /t/}`, []string{"/t/2", "/t/sub/3"}},
		{"a link that is found", `{from: "wa?", to: /t/}`, []string{"/t/conf/2", "/t/conf/sub/3"}},
		{"without what is excluded", `{from: "b.*", to: /t/, exclude: ["*.txt"]}`, []string{"/t/b.conf"}},
		{"exclude is relative to each directory", `{from: "src/?/conf", to: /t/, exclude: [sub]}`, []string{"/t/1", "/t/2", "/t/conf"}},
		{"a file of the very name", `{from: "[odd]", to: /t}`, []string{"/t"}},
		{"a file of the very name, and not those that it matches", `{from: "*star", to: /t}`, []string{"/t"}},
		{"an escape", `{from: '\*star', to: /t}`, []string{"/t"}},
		{"docker's escape", `{from: "[[]odd]", to: /t/}`, []string{"/t/[odd]"}},
		{"an escape among wildcards", `{from: '\[*', to: /t/}`, []string{"/t/[odd]"}},
		{"an escape on the way", `{from: 'only/\d/*', to: /t/}`, []string{"/t/e"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, copied(t, dir, test.files)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
	const cannot = "cannot be copied: "
	for _, test := range []struct{ name, files, want string }{
		{"nothing", `{from: "*.none", to: /t/}`, `f.yaml:8:30: "*.none" ` + cannot + `nothing in the spec's folder matches it`},
		{"no directory", `{from: none/*, to: /t/}`, `f.yaml:8:30: "none/*" ` + cannot + `nothing in the spec's folder matches it`},
		{"a file on the way", `{from: "o/*", to: /t/}`, `f.yaml:8:30: "o/*" ` + cannot + `not a directory`},
		{"what the .dockerignore leaves out", `{from: "secret*", to: /t/}`, `f.yaml:8:30: "secret*" ` + cannot + `the .dockerignore beside the spec leaves out all that matches it`},
		{"what exclude leaves out", `{from: "b.*", to: /t/, exclude: ["*"]}`, `f.yaml:8:30: "b.*" ` + cannot + `exclude leaves out all that matches it`},
		{"a file that exclude leaves out", `{from: src/x/conf/1, to: /t, exclude: ["?"]}`, `f.yaml:8:30: "src/x/conf/1" ` + cannot + `its exclude leaves it out`},
		{"to a file", `{from: "*.conf", to: /t}`, `f.yaml:8:44: "*.conf" is a pattern, and may find several files: "/t" has to be a directory (end it with a slash)`},
		{"a bad pattern", `{from: "a[", to: /t/}`, `f.yaml:8:30: "a[" ` + cannot + `"a[" is no pattern: a [ without a ], or a range that is none`},
		{"out of the folder", `{from: "../*", to: /t/}`, `f.yaml:8:30: "../*" is outside the spec's folder (name a file in the folder of the spec)`},
		{"two files of one name", `{from: "p[12]/n", to: /t/}`, `f.yaml:8:23: this step puts two files at /t/n`},
		{"a bad exclude", `{from: src, to: /t, exclude: [a, "b["]}`, `f.yaml:8:56: "b[" is no pattern: syntax error in pattern`},
		{"an exclude from the root", `{from: src, to: /t, exclude: [/x]}`,
			`f.yaml:8:53: "/x" is no pattern for what is left out: it is relative to the copied directory, so it begins with no slash`},
		{"an exception from nothing", `{from: src, to: /t, exclude: ["!"]}`,
			`f.yaml:8:53: "!" is no pattern for what is left out: it is relative to the copied directory, so it begins with no slash`},
		{"an owner of the wrong form", `{from: o, to: /t, owner: "-1"}`, `f.yaml:8:48: "-1" is no owner: write a user, or USER:GROUP, by number or by name`},
		{"an owner past the last", `{from: o, to: /t, owner: "0:4294967295"}`, `f.yaml:8:48: 4294967295 is no number of a user or a group: the last one is 4294967294`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := listed(t, dir, test.files)
			if got := text(err); got != test.want {
				t.Errorf("error %s, want %s", got, test.want)
			}
		})
	}
}

// text returns the text of an error, if there is one.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestDirectories(t *testing.T) {
	got := mustResolve(t, step(`directory: [{path: /var/lib/app/, owner: "app:web", mode: "2775"}, {path: /srv, mode: 0700}, {path: /x}]`), family.Options{}).Images[0].Steps[0].(family.Directories)
	want := []family.Directory{{Path: "/var/lib/app", Mode: fs.ModeSetgid | 0o775, Owner: "app:web"}, {Path: "/srv", Mode: 0o700}, {Path: "/x"}}
	if diff := cmp.Diff(want, got.Dirs); diff != "" || got.Title() != "directory /var/lib/app, /srv, /x" {
		t.Errorf("%s (-want +got):\n%s", got.Title(), diff)
	}
	for value, want := range map[string]string{
		"{path: /}":                             "f.yaml:8:34: the root directory stays as it is: name one below it",
		"[{path: /a}, {path: /a/}]":             "f.yaml:8:40: this step has the directory /a twice",
		"{path: /a/../b}":                       `f.yaml:8:34: the directory "/a/../b" is not plain: it has an empty part, "." or ".." (it is a path in the image, from the root)`,
		"{path: /usr/share/pulpimg/x}":          "f.yaml:8:34: /usr/share/pulpimg/x is for what pulpimg starts containers with (put it somewhere else)",
		`{path: /a, owner: "a:b:c"}`:            `f.yaml:8:45: "a:b:c" is no owner: write a user, or USER:GROUP, by number or by name`,
		`{path: /a, mode: "9"}`:                 `f.yaml:8:44: "9" is no file mode (such as "0644")`,
		"{path: /a, mod: 1}":                    `f.yaml:8:38: unknown key "mod" in directory (did you mean "mode"?)`,
		"{owner: app}":                          `f.yaml:8:27: directory needs the key "path"`,
		"[]":                                    "f.yaml:8:27: directory names none",
		"/var/lib/app":                          `f.yaml:8:27: directory has to be a mapping, not "/var/lib/app"`,
		"{path: /a, owner: 65532}":              `f.yaml:8:45: owner has to be a string, not the number 65532 (write "65532")`,
		`{path: /a, owner: "65532:4294967295"}`: "f.yaml:8:45: 4294967295 is no number of a user or a group: the last one is 4294967294",
	} {
		_, err := resolve(t, step("directory: "+value), family.Options{})
		if got := text(err); got != want {
			t.Errorf("%s: error %s, want %s", value, got, want)
		}
	}
}

// An image with another owner, or with another directory, is another one; without an owner, it is what it was before there were any.
func TestInputs_ownersAndDirectories(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"f": ""})
	seen := map[string]string{}
	for _, s := range []string{
		"files: {from: f, to: /f}", "files: {from: f, to: /f, owner: a}", "files: {from: f, to: /f, owner: b}", "directory: {path: /a}", "directory: {path: /b}",
		"directory: {path: /a, mode: 0755}", "directory: {path: /a, owner: root}", "directory: [{path: /a}, {path: /b}]",
	} {
		inputs, err := mustResolve(t, step(s), family.Options{Dir: dir}).Inputs(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[inputs["a"]]; ok {
			t.Errorf("%s has the inputs of %s", s, other)
		}
		seen[inputs["a"]] = s
	}
}
