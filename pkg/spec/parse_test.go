package spec

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// head is the beginning of a spec; what a test adds begins in line 5.
const head = "version: 1\nname: f\nregistry: r.example/f\ntag: \"1\"\n"

// images is the end of a spec.
const images = "images: {a: {from: scratch}}\n"

// step is a spec up to the value of its one step, which begins in line 8, column 10.
func step(s string) string {
	return head + "images:\n  a:\n    from: scratch\n    steps: [ " + s + " ]\n"
}

func TestParse_errors(t *testing.T) {
	for _, test := range []struct{ name, yaml, want string }{
		{"an empty file", "", `f.yaml:1:1: the file is empty (begin with "version: 1")`},
		{"a file of comments", "# nothing\n", `f.yaml:1:1: the file is empty (begin with "version: 1")`},
		{"an empty document", "---\n", `f.yaml:1:1: the file is empty (begin with "version: 1")`},
		{"a list", "- a\n", `f.yaml:1:1: a spec has to be a mapping, not a list (begin with "version: 1")`},
		{"a second document", head + images + "---\nversion: 1\n", `f.yaml:7:1: a second document begins here (give each family a file of its own)`},
		{"a file that is too large", strings.Repeat("#", 10<<20), `f.yaml:1:1: the file is larger than 1 MiB, the largest size of a spec`},
		{"another encoding", "version: 1\nname: \"caf\xe9\"\n", `f.yaml:2:11: the file is not UTF-8 (save the file as UTF-8)`},
		{"a NUL", "version: 1\n\x00", `f.yaml:2:1: the file has a control character (remove it)`},
		{"a control character", "version: 1\nname: \"é\x07\"\n", `f.yaml:2:9: the file has a control character (remove it)`},
		{"two colons", "version: 1\nname: a: b\n",
			`f.yaml:2:1: this is no YAML: mapping values are not allowed in this context (a string with a colon in it needs quotes)`},
		{"a line that is indented too little", "version: 1\nimages:\n  a:\n    from: b\n    user: c\n   env: {}\n  d: {}\n",
			`f.yaml:6:4: this is no YAML: did not find expected key (is the line indented as those that belong with it, and is every quotation mark closed?)`},
		{"a key in a list", "version: 1\nsteps:\n  - a\n  b: c\nd: e\n",
			`f.yaml:4:3: this is no YAML: did not find expected '-' indicator (is the line indented as those that belong with it?)`},
		{"a schedule without quotes", "version: 1\nname: */5 * * * *\n",
			`f.yaml:2:1: this is no YAML: did not find expected alphabetic or numeric character (a string that begins with "*" or "&" needs quotes)`},
		{"a tab", "version: 1\nname: f\n\tregistry: r\n", `f.yaml:3:2: this is no YAML: found a tab character that violates indentation (indent with spaces)`},
		{"braces without quotes", "version: 1\nname: f\nimages: {a: {from: ${{ b }}}}\ntag: t\n",
			`f.yaml:3:1: this is no YAML: did not find expected ',' or '}' (is there a closing bracket? A string with brackets or ${{ }} in it needs quotes here)`},
		{"a bracket that nothing closes", "version: 1\nsteps:\n  a: [b, c\n  d: e\n",
			`f.yaml:3:3: this is no YAML: did not find expected ',' or ']' (is there a closing bracket? A string with brackets or ${{ }} in it needs quotes here)`},
		{"a quotation mark that nothing closes", "version: 1\nname: \"f\nregistry: r\n",
			`f.yaml:2:1: this is no YAML: found unexpected end of stream (is there a closing quotation mark?)`},
		{"a quotation mark in a string", "version: 1\nname: 'it's'\ntag: t\n",
			`f.yaml:2:1: this is no YAML: did not find expected key (is the line indented as those that belong with it, and is every quotation mark closed?)`},
		{"a line without a colon", "version: 1\nname: f\ntag\nimages: {}\n", `f.yaml:3:1: this is no YAML: could not find expected ':'`},
		{"a string that begins with an at sign", "version: 1\nname: @f\n",
			`f.yaml:2:1: this is no YAML: found character that cannot start any token (a string that begins with this character needs quotes)`},
		{"broken YAML in a second document", head + images + "---\na: [\n", `f.yaml:7:1: this is no YAML: did not find expected node content`},
		{"an unknown anchor", head + "x-a: *nope\n" + images, `f.yaml:5:6: this is no YAML: unknown anchor 'nope' referenced`},
		{"a merge key", head + "images:\n  a:\n    from: scratch\n    <<: {user: u}\n",
			`f.yaml:8:5: merge keys (<<) are not part of the language (write the keys out, or base one image on another with from)`},
		{"an odd tag", head + "images: {a: {from: !thing scratch}}\n", `f.yaml:5:20: the tag !thing is not part of the language (leave it out)
f.yaml:5:20: from has to be a string, not "scratch" (write "scratch")`},
		{"an alias that is part of itself", head + "x-a: &a [ *a ]\n" + images, `f.yaml:5:11: *a is an alias for a value that contains it`},
		{"an alias bomb", head + bomb + images,
			`f.yaml:1:1: with its aliases written out, the file has more than 1000000 values or 16 MB of text (write the values out instead)`},

		{"no version", "name: f\n", `f.yaml:1:1: the version is missing (begin with "version: 1")`},
		{"a newer version", "version: 2\nnews: yes\n",
			`f.yaml:1:10: the spec is written in version 2 of the language, and this pulpimg knows it up to version 1 (upgrade pulpimg)`},
		{"version 0", "version: 0\n", `f.yaml:1:10: version has to be a number from 1 up, not the number 0 (write "version: 1")`},
		{"a version in words", "version: one\n", `f.yaml:1:10: version has to be a number from 1 up, not "one" (write "version: 1")`},
		{"a version with a dot", "version: 1.0\n", `f.yaml:1:10: version has to be a number from 1 up, not the number 1.0 (write "version: 1")`},

		{"an unknown key", head + images + "servces: {}\n", `f.yaml:6:1: unknown key "servces" in the spec (did you mean "services"?)`},
		{"an unknown key deep down", head + "images: {a: {from: scratch, step: []}}\n", `f.yaml:5:29: unknown key "step" in images.a (did you mean "steps"?)`},
		{"a duplicate key", head + images + "tag: \"2\"\n", `f.yaml:6:1: duplicate key "tag" in the spec (it is already there in line 4, column 1)`},
		{"a duplicate image", head + "images:\n  a: {from: scratch}\n  a: {from: scratch}\n",
			`f.yaml:7:3: duplicate key "a" in images (it is already there in line 6, column 3)`},
		{"a key that is a list", head + images + "? [a]\n: b\n", `f.yaml:6:3: a key in the spec has to be a name, not a list`},
		{"no images", head, `f.yaml:1:1: the spec declares no images`},
		{"several at once", "version: 1\nnmae: f\nregistry: [a]\n" + images, `f.yaml:1:1: the spec needs the key "name"
f.yaml:1:1: the spec needs the key "tag" (or tags, a list of them)
f.yaml:2:1: unknown key "nmae" in the spec (did you mean "name"?)
f.yaml:3:11: registry has to be a string, not a list (write registries for several)`},

		{"a tag that YAML takes for a number", "version: 1\nname: f\nregistry: r\ntag: 2.4\n" + images, `f.yaml:4:6: tag has to be a string, not the number 2.4 (write "2.4")`},
		{"a name that YAML takes for a date", "version: 1\nname: 2014-01-01\nregistry: r\ntag: t\n" + images,
			`f.yaml:2:7: name has to be a string, not the date 2014-01-01 (write "2014-01-01")`},
		{"a label that YAML takes for a truth value", head + "images: {a: {from: scratch, labels: {l: true}}}\n",
			`f.yaml:5:41: l has to be a string, not the truth value true (write "true")`},
		{"nothing where a string belongs", head + "images: {a: {from: }}\n", `f.yaml:5:20: from has to be a string, not nothing`},
		{"nothing where an image belongs", head + "images: {a: }\n", `f.yaml:5:13: images.a has to be a mapping, not nothing`},
		{"a string where a list belongs", head + "images: {a: {from: scratch, volumes: /a}}\n", `f.yaml:5:38: volumes has to be a list, not "/a" (write [/a])`},
		{"a list where a mapping belongs", head + "images: [a]\n", `f.yaml:5:9: images has to be a mapping, not a list`},

		{"a required variable with a default", head + "environment: {A: {required: true, default: x}}\n" + images,
			`f.yaml:5:44: environment.A is required and has a default (leave one of them out)`},
		{"a yes for a truth value", head + "environment: {A: {required: yes}}\n" + images, `f.yaml:5:29: required has to be true or false, not "yes"`},
		{"settings without a file", head + "settings: {s: {lens: l.aug}}\n" + images, `f.yaml:5:12: settings.s needs the key "file"`},
		{"a service without a URL", head + "services: {s: {tries: 1}}\n" + images, `f.yaml:5:12: services.s needs either a url or a command`},
		{"a service with two", head + "services: {s: {command: [a], url: u}}\n" + images, `f.yaml:5:35: services.s has a url and a command (keep one of them)`},
		{"a service with an empty command", head + "services: {s: {command: []}}\n" + images, `f.yaml:5:12: services.s needs either a url or a command`},
		{"a service with an empty URL", head + "services: {s: {url: \"\"}}\n" + images, `f.yaml:5:21: url of services.s is empty`},
		{"a job without a command", head + "services: {s: {url: u, job: j}}\n" + images, `f.yaml:5:29: services.s has a job and no command (only a command tells what a job has done)`},
		{"no tries", head + "services: {s: {url: u, tries: 0}}\n" + images, `f.yaml:5:31: tries has to be a number from 1 up, not the number 0`},
		{"an interval without a unit", head + "services: {s: {url: u, interval: 5}}\n" + images,
			`f.yaml:5:34: interval has to be a span of time, not the number 5 (such as "5s" or "1m30s")`},

		{"a step with two keys", step("{lens: a.aug, run: b}"), `f.yaml:8:14: a step does one thing, and this one has 2 keys (begin each with a dash of its own)`},
		{"a step without a key", step("{}"), `f.yaml:8:14: a step does one thing, and this one has 0 keys (begin each with a dash of its own)`},
		{"a step that is a word", step("run"), `f.yaml:8:14: a step has to be a mapping, not "run"`},
		{"an unknown step", step("{yumm: {}}"), `f.yaml:8:15: unknown key "yumm" in a step (did you mean "yum"?)`},
		{"a repo with both sources", step("{repo: {to: /r, url: u, baseurl: b}}"),
			`f.yaml:8:21: repo needs either url, to fetch a file, or baseurl, to write one`},
		{"a repo with a key of the other source", step("{repo: {to: /r, url: u, gpgkey: k}}"), `f.yaml:8:46: gpgkey of a repo goes with baseurl`},
		{"a written repo with a digest", step("{repo: {to: /r, id: i, baseurl: b, sha256: s}}"), `f.yaml:8:57: sha256 of a repo goes with url`},
		{"a written repo of nowhere", step("{repo: {to: /r, id: i, baseurl: \"\"}}"), `f.yaml:8:46: baseurl of repo is empty`},
		{"a tool without a name", step("{yum: {packages: [p], tool: \"\"}}"), `f.yaml:8:42: tool has to be yum or dnf, not ""`},
		{"yum without packages", step("{yum: {}}"), `f.yaml:8:20: yum installs nothing`},
		{"groups for apt", step("{apt: {groups: [g], packages: [p]}}"), `f.yaml:8:21: unknown key "groups" in apt (apt has no groups of packages; name the packages)`},
		{"a module for apt", step("{apt: {packages: [p], module: [a]}}"), `f.yaml:8:36: unknown key "module" in apt (only dnf has modules; write NAME=VERSION or NAME/SUITE)`},
		{"a package that apt leaves out", step("{apt: {packages: [p], exclude: [a]}}"),
			`f.yaml:8:36: unknown key "exclude" in apt (apt-get cannot leave a package out; bring a pin with a negative priority, a file in /etc/apt/preferences.d, in a step before)`},
		{"a repository for apt", step("{apt: {packages: [p], enablerepo: [a]}}"),
			`f.yaml:8:36: unknown key "enablerepo" in apt (apt uses every repository of /etc/apt/sources.list.d; write NAME/SUITE to choose one of them)`},
		{"a group for apk", step("{apk: {packages: [p], groups: [a]}}"), `f.yaml:8:36: unknown key "groups" in apk (apk has no groups of packages; name the packages)`},
		{"a module for apk", step("{apk: {packages: [p], module: [a]}}"), `f.yaml:8:36: unknown key "module" in apk (only dnf has modules; write NAME=VERSION or NAME~VERSION)`},
		{"a package that apk leaves out", step("{apk: {packages: [p], exclude: [a]}}"), `f.yaml:8:36: unknown key "exclude" in apk (apk cannot leave a package out for one step)`},
		{"a repository for apk", step("{apk: {packages: [p], enablerepo: [a]}}"),
			`f.yaml:8:36: unknown key "enablerepo" in apk (apk uses every repository of /etc/apk/repositories; write NAME@TAG to choose one that has a tag there)`},
		{"documentation for apk", step("{apk: {packages: [p], docs: false}}"),
			`f.yaml:8:36: unknown key "docs" in apk (apk has documentation in packages of its own, NAME-doc, and installs none that is not named)`},
		{"recommended packages for apk", step("{apk: {packages: [p], recommends: false}}"), `f.yaml:8:36: unknown key "recommends" in apk (packages of apk recommend no others)`},
		{"a key of apk that is misspelt", step("{apk: {packages: [p], updat: true}}"), `f.yaml:8:36: unknown key "updat" in apk (did you mean "update"?)`},
		{"nothing for apk to do", step("{apk: {update: false}}"), `f.yaml:8:20: apk installs nothing`},
		{"dnf that only leaves out", step("{dnf: {exclude: [a], docs: false}}"), `f.yaml:8:20: dnf installs nothing`},
		{"another tool for yum", step("{yum: {packages: [p], tool: zypper}}"), `f.yaml:8:42: tool has to be yum or dnf, not "zypper"`},
		{"no files", step("{files: []}"), `f.yaml:8:22: files copies nothing`},
		{"no helpers", step("{helpers: []}"), `f.yaml:8:24: helpers brings nothing (such as [config, wait])`},
		{"a control character in an escape", step(`{run: "a\0b"}`), `f.yaml:8:20: run has a control character`},
		{"files without a destination", step("{files: {from: a}}"), `f.yaml:8:22: files needs the key "to"`},
		{"a run without anything", step("{run: {}}"), `f.yaml:8:20: run needs either a script or a command`},
		{"a run with both", step("{run: {script: s, command: [c]}}"), `f.yaml:8:20: run needs either a script or a command`},
		{"a start with an empty command", head + "images: {a: {from: scratch, start: {command: []}}}\n", `f.yaml:5:46: the command of images.a.start is empty (leave it out if images that are based on this one have the command)`},
		{"a start with a command that is none", head + "images: {a: {from: scratch, start: {command: web}}}\n", `f.yaml:5:46: command has to be a list, not "web" (write [web])`},
		{"a start and an entrypoint", head + "images: {a: {from: scratch, entrypoint: [e], start: {command: [c]}}}\n",
			`f.yaml:5:53: images.a has a start and an entrypoint or command of its own (keep start, or entrypoint and command)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("f.yaml", []byte(test.yaml))
			if err == nil {
				t.Fatalf("no error, want %s", test.want)
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			var all Errors
			if !errors.As(err, &all) {
				t.Errorf("the error is a %T, want Errors", err)
			}
		})
	}
}

// bomb has ten to the ninth values when its aliases are written out.
var bomb = func() string {
	var b strings.Builder
	b.WriteString("x-0: &a0 [a, a, a, a, a, a, a, a, a, a]\n")
	for i := range 8 {
		below, name := string(rune('0'+i)), string(rune('1'+i))
		b.WriteString("x-" + name + ": &a" + name + " [" + strings.Repeat("*a"+below+", ", 10) + "]\n")
	}
	return b.String()
}()

// Load does not read a file that is too large to its end.
func TestLoad_tooLarge(t *testing.T) {
	name := filepath.Join(t.TempDir(), "large.yaml")
	if err := os.WriteFile(name, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, 1<<40); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(name); err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") {
		t.Errorf("Load of a file of 1 TiB: %v", err)
	}
}

func TestLoad_directory(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("Load of a directory: %v", err)
	}
}

func TestLoad_missing(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "none.yaml"))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Load of a missing file: %v, want ErrNotExist", err)
	}
}

// Keys that begin with x- are allowed wherever the language defines the keys.
func TestParse_extensions(t *testing.T) {
	_, err := Parse("f.yaml", []byte(`version: 1
x-top: {a: [1, ~]}
name: f
registry: r
tag: t
variables: {v: {x-a: 1}}
environment: {E: {x-a: 1}}
settings: {s: {file: f, lens: l, x-a: 1}}
services: {s: {url: u, x-a: 1}}
kubernetes: {x-a: 1, services: {s: {x-a: 1}}, storage: {size: s, volumes: [v], x-a: 1}}
images:
  a:
    x-a: 1
    from: scratch
    steps:
      - {repo: {url: u, to: t, x-a: 1}, x-a: 1}
      - yum: {packages: [p], x-a: 1}
      - files: {from: f, to: t, x-a: 1}
      - run: {script: s, x-a: 1}
    start: {command: [c], require: {x-a: 1}, x-a: 1}
    kubernetes: {x-a: 1, resources: {x-a: 1, limits: {x-a: 1}}}
`))
	if err != nil {
		t.Error(err)
	}
}

// Where the spec defines the names, one that begins with x- is a name like any other.
func TestParse_namesLikeExtensions(t *testing.T) {
	s, err := Parse("f.yaml", []byte(`version: 1
name: f
registry: r
tag: t
variables: {x-v: {}}
environment: {x-e: {}}
settings: {x-s: {file: f, lens: l, set: {x-a/b: c}}}
services: {x-w: {url: u}}
kubernetes: {services: {x-k: {selector: {x-l: m}}}}
images:
  x-i: {from: scratch, labels: {x-m: n}, env: {x-n: o}}
`))
	if err != nil {
		t.Fatal(err)
	}
	image, service := s.Images[0], s.Kubernetes.Services[0]
	got := []string{
		s.Variables[0].Name.Value, s.Environment[0].Name.Value, s.Settings[0].Name.Value, s.Settings[0].Value.Set[0].Name.Value, s.Services[0].Name.Value,
		service.Name.Value, service.Value.Selector[0].Name.Value, image.Name.Value, image.Value.Labels[0].Name.Value, image.Value.Env[0].Name.Value,
	}
	want := []string{"x-v", "x-e", "x-s", "x-a/b", "x-w", "x-k", "x-l", "x-i", "x-m", "x-n"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestParse_alias(t *testing.T) {
	s, err := Parse("f.yaml", []byte(head+"x-packages: &p [a, b]\nimages:\n  a:\n    from: scratch\n    steps:\n      - yum: {packages: *p}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Images[0].Value.Steps[0].Packages.Packages; len(got) != 2 || got[1].Value != "b" {
		t.Errorf("packages = %v, want a and b", got)
	}
}

func TestParse_modeWithoutQuotes(t *testing.T) {
	for _, mode := range []string{"0755", `"0755"`, "755"} {
		s, err := Parse("f.yaml", []byte(step("{files: {from: a, to: /a, mode: "+mode+"}}")))
		if err != nil {
			t.Errorf("mode: %s: %v", mode, err)
			continue
		}
		if got := s.Images[0].Value.Steps[0].Files[0].Mode.Value; got != strings.Trim(mode, `"`) {
			t.Errorf("mode: %s is read as %q", mode, got)
		}
	}
}

// The text of many errors shows the first ones and how many more there are.
func TestErrors_showsSome(t *testing.T) {
	_, err := Parse("f.yaml", []byte(head+"images: {a: {from: scratch, volumes: ["+strings.Repeat("1, ", 30)+"]}}\n"))
	lines := strings.Split(err.Error(), "\n")
	if got, want := lines[len(lines)-1], "and 10 more"; len(lines) != maxShown+1 || got != want {
		t.Errorf("%d lines, the last of them %q, want %d and %q", len(lines), got, maxShown+1, want)
	}
}

// A position in a string is counted in the line of the file.
func TestText_Position(t *testing.T) {
	s, err := Parse("f.yaml", []byte("version: 1\nname: \"é-bc\"\nregistry: é-bc\ntag: |\n  a\n  bc\n"+images))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		text Text
		want Position
	}{
		{s.Name, Position{Line: 2, Column: 10}},
		{s.Registries[0], Position{Line: 3, Column: 13}},
		{s.Tags[0], Position{Line: 4, Column: 6}}, // of several lines, it is the start
	} {
		if got := test.text.Position(strings.IndexByte(test.text.Value, 'b')); got != test.want {
			t.Errorf("the b of %q is at %v, want %v", test.text.Value, got, test.want)
		}
	}
}

// A position in the string of an alias is that of the alias.
func TestText_Position_alias(t *testing.T) {
	s, err := Parse("f.yaml", []byte(head+"x-base: &b reg/abc\nimages: {a: {from: *b}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	from := s.Images[0].Value.From
	if got, want := from.Position(4), (Position{Line: 6, Column: 20}); from.Value != "reg/abc" || got != want {
		t.Errorf("a part of %q is at %v, want %v", from.Value, got, want)
	}
}

// The range of a step covers all its lines.
func TestParse_stepRange(t *testing.T) {
	s, err := Parse("f.yaml", []byte(head+"images:\n  a:\n    from: scratch\n    steps:\n      - yum:\n          packages:\n            - a\n            - b\n      - run: |\n          one\n          two\n"))
	if err != nil {
		t.Fatal(err)
	}
	steps := s.Images[0].Value.Steps
	for i, want := range [][2]int{{9, 12}, {13, 15}} {
		if got := steps[i].At; got.Start.Line != want[0] || got.End.Line != want[1] {
			t.Errorf("step %d covers lines %d to %d, want %d to %d", i+1, got.Start.Line, got.End.Line, want[0], want[1])
		}
	}
}
