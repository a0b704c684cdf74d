package spec

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// loadOf reads a spec from the text of its files. The first is the spec itself.
func loadOf(files ...string) (*Spec, error) {
	folder := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		folder[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return ParseFS("d/"+files[0], []byte(files[1]), folder)
}

const shop = `version: 1
name: shop
registry: r.example/shop
tag: "1"
variables: {base: {default: "docker.io/library/debian:12", description: x}, gone: {default: g}}
images:
  base:
    from: "${{ base }}"
    labels: {a: "1", b: "2"}
    steps: [{apt: {packages: [x]}}]
  web: {from: base, user: www}
`

func TestExtends(t *testing.T) {
	s, err := loadOf("top.yaml", `version: 1
extends: base.yaml
tag: "2"
variables: {base: {default: "docker.io/library/debian:13"}, gone: null}
images:
  web:
    user: null
    workdir: /srv
  base: {labels: {b: "3", c: "4"}, steps: [{apt: {packages: [y]}}]}
  more: {from: base}
`, "base.yaml", shop)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	say := func(what string, t Text) {
		fmt.Fprintf(&got, "%s %s %s:%s\n", what, t.Value, s.FileOf(t.At.Start).Name, t.At.Start)
	}
	say("name", s.Name)
	say("tag", s.Tags[0])
	for _, v := range s.Variables {
		say("variable", v.Name)
		say("default", *v.Value.Default)
	}
	for _, i := range s.Images {
		fmt.Fprintf(&got, "image from %s to line %d\n", i.Value.At.Start, i.Value.At.End.Line)
		say("image", i.Name)
		say("from", i.Value.From)
		say("user", i.Value.User)
		say("workdir", i.Value.Workdir)
		for _, l := range i.Value.Labels {
			say("label", l.Name)
			say("value", l.Value)
		}
		for _, step := range i.Value.Steps {
			say("package", step.Packages.Packages[0])
		}
	}
	want := `name shop d/base.yaml:2:7
tag 2 d/top.yaml:3:6
variable base d/top.yaml:4:13
default docker.io/library/debian:13 d/top.yaml:4:29
image from 9:3 to line 9
image base d/top.yaml:9:3
from ${{ base }} d/base.yaml:8:11
user  d/top.yaml:0:0
workdir  d/top.yaml:0:0
label a d/base.yaml:9:14
value 1 d/base.yaml:9:17
label b d/top.yaml:9:19
value 3 d/top.yaml:9:22
label c d/top.yaml:9:27
value 4 d/top.yaml:9:30
package y d/top.yaml:9:62
image from 6:3 to line 8
image web d/top.yaml:6:3
from base d/base.yaml:11:15
user  d/top.yaml:0:0
workdir /srv d/top.yaml:8:14
image from 10:3 to line 10
image more d/top.yaml:10:3
from base d/top.yaml:10:16
user  d/top.yaml:0:0
workdir  d/top.yaml:0:0
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
	if len(s.Below) != 1 || s.Below[0].Path != "base.yaml" || string(s.Below[0].Data) != shop {
		t.Errorf("it extends %v", s.Below)
	}
}

// A file of a chain is on top of all that it extends, and the paths of each are from its own folder.
func TestExtends_chain(t *testing.T) {
	s, err := loadOf("top.yaml", "version: 1\nextends: a/mid.yaml\ntag: top\n",
		"a/mid.yaml", "version: 1\nextends: ../b/base.yaml\ntag: mid\nregistry: r.example/mid\n",
		"b/base.yaml", shop)
	if err != nil {
		t.Fatal(err)
	}
	if s.Tags[0].Value != "top" || s.Registries[0].Value != "r.example/mid" || s.Name.Value != "shop" {
		t.Errorf("got tag %s, registry %s, name %s", s.Tags[0].Value, s.Registries[0].Value, s.Name.Value)
	}
	if got := s.FileOf(s.Registries[0].At.Start).Path + " " + s.FileOf(s.Name.At.Start).Path + " " + s.FileOf(s.Tags[0].At.Start).Path; got != "a/mid.yaml b/base.yaml top.yaml" {
		t.Errorf("the values are said to be in %s", got)
	}
}

func TestExtends_errors(t *testing.T) {
	top := func(rest string) string { return "version: 1\nextends: base.yaml\n" + rest }
	many := []string{}
	for i := range 30 {
		many = append(many, fmt.Sprintf("f%d.yaml", i), fmt.Sprintf("version: 1\nextends: f%d.yaml\n", i+1))
	}
	for _, test := range []struct {
		name  string
		files []string
		want  string
	}{
		{"no such file", []string{"top.yaml", top("")}, `d/top.yaml:2:10: "base.yaml" cannot be read: there is no such file`},
		{"no name", []string{"top.yaml", "version: 1\nextends: \"\"\n"}, `d/top.yaml:2:10: "" is outside the spec's folder (name a file in the folder of the spec, or in one below it)`},
		{"outside", []string{"top.yaml", "version: 1\nextends: ../x.yaml\n"}, `d/top.yaml:2:10: "../x.yaml" is outside the spec's folder (name a file in the folder of the spec, or in one below it)`},
		{"absolute", []string{"top.yaml", "version: 1\nextends: /x.yaml\n"}, `d/top.yaml:2:10: "/x.yaml" is outside the spec's folder (name a file in the folder of the spec, or in one below it)`},
		{"outside at the second file", []string{"top.yaml", "version: 1\nextends: a/b.yaml\n", "a/b.yaml", "version: 1\nextends: ../../x.yaml\n"},
			`d/a/b.yaml:2:10: "../../x.yaml" is outside the spec's folder (name a file in the folder of the spec, or in one below it)`},
		{"a list", []string{"top.yaml", "version: 1\nextends: [base.yaml]\n"}, `d/top.yaml:2:10: extends has to be a string, not a list`},
		{"a variable", []string{"top.yaml", "version: 1\nextends: \"${{ x }}.yaml\"\n"}, `d/top.yaml:2:10: extends is read before there are variables (name the file)`},
		{"twice", []string{"top.yaml", top("extends: base.yaml\n"), "base.yaml", shop}, `d/top.yaml:3:1: duplicate key "extends" in the spec (it is already there in line 2, column 1)`},
		{"itself", []string{"top.yaml", "version: 1\nextends: ./top.yaml\n"}, `d/top.yaml:2:10: these files extend each other: top.yaml -> top.yaml`},
		{"a cycle", []string{"top.yaml", top(""), "base.yaml", "version: 1\nextends: x/c.yaml\n", "x/c.yaml", "version: 1\nextends: ../base.yaml\n"},
			`d/x/c.yaml:2:10: these files extend each other: base.yaml -> x/c.yaml -> base.yaml`},
		{"too many files", many, `d/f19.yaml:2:10: a spec may consist of 20 files at most`},
		{"the other has no version", []string{"top.yaml", top(""), "base.yaml", "name: x\n"}, `d/base.yaml:1:1: the version is missing (begin with "version: 1")`},
		{"the other is of another version", []string{"top.yaml", top(""), "base.yaml", "version: 9\n"},
			`d/base.yaml:1:10: the spec is written in version 9 of the language, and this pulpimg knows it up to version 1 (upgrade pulpimg)`},
		{"the other is empty", []string{"top.yaml", top(""), "base.yaml", ""}, `d/base.yaml:1:1: the file is empty (begin with "version: 1")`},
		{"the other is no YAML", []string{"top.yaml", top(""), "base.yaml", "a: b: c\n"},
			`d/base.yaml:1:1: this is no YAML: mapping values are not allowed in this context (a string with a colon in it needs quotes)`},
		{"too large together", []string{"top.yaml", top("#" + strings.Repeat("x", 600_000) + "\n"), "base.yaml", shop + "#" + strings.Repeat("x", 600_000) + "\n"},
			`d/base.yaml:1:1: the files of the spec are larger than 1 MiB together, the largest size of a spec`},
		{"nothing has the key", []string{"top.yaml", top(""), "base.yaml", "version: 1\nname: f\ntag: t\n"}, `d/top.yaml:1:1: the spec needs the key "registry" (or registries, a list of them)`},
		{"mistakes in both files", []string{"top.yaml", top("images: {web: {usr: x}, base: {volumes: y}}\n"), "base.yaml", shop + "x: y\n"},
			`d/top.yaml:3:16: unknown key "usr" in images.web (did you mean "user"?)
d/top.yaml:3:41: volumes has to be a list, not "y" (write [y])
d/base.yaml:12:1: unknown key "x" in the spec (there is environment, extends, images, immutable, kubernetes, labels, name, records, refresh, registries, registry, services, settings, tag, tags, variables, version)`},
		{"a wrong value is replaced", []string{"top.yaml", top("images: {web: {user: x}}\n"), "base.yaml", strings.Replace(shop, "user: www", "user: [www]", 1)}, ""},
		{"a key twice below", []string{"top.yaml", top("images: {web: {user: x}}\n"), "base.yaml", strings.Replace(shop, "user: www", "user: a, user: b", 1)},
			`d/base.yaml:11:30: duplicate key "user" in images.web (it is already there in line 3, column 16)`},
		{"a key twice on top", []string{"top.yaml", top("images: {web: {user: x, user: y}}\n"), "base.yaml", shop},
			`d/top.yaml:3:25: duplicate key "user" in images.web (it is already there in line 3, column 16)`},
		{"null for what is not there", []string{"top.yaml", top("images: {wob: null}\n"), "base.yaml", shop},
			`d/top.yaml:3:15: images.wob has to be a mapping, not nothing (null takes away what the file below says, which has no such key; did you mean "web"?)`},
		{"null for what is needed", []string{"top.yaml", top("images: {web: {from: null}}\n"), "base.yaml", shop}, `d/top.yaml:3:10: images.web needs the key "from"`},
		{"null for an item", []string{"top.yaml", top("images: {base: {steps: [null]}}\n"), "base.yaml", shop}, `d/top.yaml:3:25: a step has to be a mapping, not nothing`},
		{"a merge key", []string{"top.yaml", top("images: {web: {<<: {}}}\n"), "base.yaml", shop},
			`d/top.yaml:3:16: merge keys (<<) are not part of the language (write the keys out, or base one image on another with from)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := loadOf(test.files...)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Of keys that say the same in different ways, the one on top counts.
func TestExtends_inPlaceOf(t *testing.T) {
	report := NewReport("x")
	for key, other := range inPlaceOf {
		l := loader{reader: newReader(report)}
		base := parseYAML([]byte("a: 1\n"+key+": x\n"), report, "")
		over := parseYAML([]byte(other+": y\n"), report, "")
		l.mark(over, &source{})
		merged := l.mergeRoots(base, over)
		var keys []string
		for i := 0; i < len(merged.Content); i += 2 {
			keys = append(keys, merged.Content[i].Value)
		}
		if diff := cmp.Diff([]string{"a", other}, keys); diff != "" {
			t.Errorf("%s on %s: %s", other, key, diff)
		}
	}
}

// What aliases stand for in two files is counted together, and merged values are values of their own.
func TestExtends_aliases(t *testing.T) {
	s, err := loadOf("top.yaml", `version: 1
extends: base.yaml
x-labels: &l {b: "3"}
images: {one: {labels: *l}, two: {labels: *l}}
`, "base.yaml", `version: 1
name: f
registry: r
tag: t
x-labels: &l {a: "1", b: "2"}
images: {one: {from: scratch, labels: *l}, two: {from: scratch, labels: *l}}
`)
	if err != nil {
		t.Fatal(err)
	}
	for _, image := range s.Images {
		var got []string
		for _, l := range image.Value.Labels {
			got = append(got, l.Name.Value+l.Value.Value)
		}
		if diff := cmp.Diff([]string{"a1", "b3"}, got); diff != "" {
			t.Error(image.Name.Value, diff)
		}
	}
	_, err = loadOf("top.yaml", "version: 1\nextends: base.yaml\n"+half, "base.yaml", shop+half)
	want := "d/base.yaml:1:1: with their aliases written out, the files of the spec have more than 1000000 values or 16 MB of text (write the values out instead)"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// half stands for more than half of the values that a spec may have.
var half = "x-a: &a [" + strings.Repeat("1,", 999) + "1]\nx-b: [" + strings.Repeat("*a,", 599) + "*a]\n"

func TestLoad_extends(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("base.yaml", shop)
	write("in/lib/base.yaml", shop)
	write("in/top.yaml", "version: 1\nextends: lib/base.yaml\n")
	write("in/out.yaml", "version: 1\nextends: link.yaml\n")
	write("in/dir.yaml", "version: 1\nextends: lib\n")
	if err := os.Symlink("../base.yaml", filepath.Join(dir, "in/link.yaml")); err != nil {
		t.Fatal(err)
	}
	s, err := Load(filepath.Join(dir, "in/top.yaml"))
	if err != nil || s.Name.Value != "shop" {
		t.Fatalf("got %v, %v", s, err)
	}
	for name, want := range map[string]string{
		"in/out.yaml": `"link.yaml" cannot be read: a symbolic link leads out of the spec's folder`,
		"in/dir.yaml": `"lib" cannot be read: it is no regular file`,
	} {
		if _, err := Load(filepath.Join(dir, name)); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
	if _, err := Parse("f.yaml", []byte("version: 1\nextends: base.yaml\n")); err == nil || err.Error() != `f.yaml:2:10: there is no folder to read "base.yaml" from` {
		t.Errorf("Parse: %v", err)
	}
}
