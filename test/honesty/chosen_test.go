package honesty

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pulpimg/pulpimg/pkg/build"
)

// A chosen is an edit by hand, with what it means.
type chosen struct {
	name string
	do   func(*testing.T, *subject)
	// want is what is announced for each image that does not stay the same, "IMAGE ACTION" with "run", "may" or "relayer", in build order.
	want string
	// reason is in the first reason of the image of want that comes first, or of the one that it names before a colon.
	reason string
	fails  bool // the build
	undo   func(*testing.T, *subject)
	reruns bool // commands whose results are known
}

// in replaces a text in a file.
func in(file, old, now string) func(*testing.T, *subject) {
	return func(t *testing.T, s *subject) {
		t.Helper()
		text := s.read(t, file)
		if !strings.Contains(text, old) {
			t.Fatalf("%s has no %q", file, old)
		}
		s.write(t, file, strings.Replace(text, old, now, 1))
	}
}

func spec(old, now string) func(*testing.T, *subject) { return in("pulpimg.yaml", old, now) }

func file(name, content string) func(*testing.T, *subject) {
	return func(t *testing.T, s *subject) { t.Helper(); s.write(t, name, content) }
}

func with(change func(*how)) func(*testing.T, *subject) {
	return func(_ *testing.T, s *subject) { change(&s.how) }
}

// chosenEdits are made one after the other, each on top of nothing: it is taken back after it.
func chosenEdits() []chosen {
	return []chosen{
		{name: "start command", do: spec("[/bin/true, web]", "[/bin/true, other]"), want: "web relayer", reason: "start command"},
		{name: "start wait", do: spec("wait: [db], ", ""), want: "web relayer", reason: "start wait"},
		{name: "start user", do: spec("user: nobody, command: [/bin/true, worker]", "user: apache, command: [/bin/true, worker]"), want: "worker relayer", reason: "start user"},
		{name: "copied file", do: file("web/index.html", "<p>other</p>"), want: "web relayer, worker relayer", reason: "web/index.html"},
		{name: "file below commands", do: file("first.txt", "other"), want: "base relayer, web relayer, worker run, plain relayer", reason: "first.txt"},
		{name: "file added", do: file("web/new.html", "new"), want: "web relayer", reason: "new.html"},
		{name: "file removed", do: remove("web/style.css"), want: "web relayer", reason: "style.css"},
		{name: "last file of a directory removed", do: remove("web/deep/only.txt"), want: "web relayer", reason: "- web/deep/only.txt"},
		{name: "file that is excluded", do: file("web/notes.md", "other"), want: ""},
		{name: "file touched", do: file("web/index.html", "<p>hello</p>"), want: ""},
		{name: "file executable", do: chmod("web/index.html", 0o755), want: "web relayer, worker relayer", reason: "index.html"},
		{name: "label", do: spec("org.example.title: web", "org.example.title: other"), want: "web relayer", reason: "org.example.title"},
		{name: "label of all", do: spec("images:\n", "labels: { org.example.all: x }\nimages:\n"), want: "base relayer, web relayer, worker relayer, taker relayer, each-a relayer, each-b relayer, plain relayer", reason: "org.example.all"},
		{name: "environment default", do: in("lower.yaml", `"8000"`, `"9000"`), want: "base relayer, web relayer, worker run", reason: "PORT"},
		{name: "environment of commands", do: spec("LEVEL: info", "LEVEL: debug"), want: "base run, web relayer, worker may", reason: "LEVEL"},
		{name: "package added", do: spec("update: true, remove", "update: true, packages: [], remove"), want: ""},
		{name: "package step", do: spec("apt: { update: true, remove: [gcc] }", "apt: { update: true, remove: [gcc, vi] }"), want: "base run, web relayer, worker may", reason: "vi"},
		{name: "packages not updated", do: spec("apt: { update: true, remove: [gcc] }", "apt: { remove: [gcc] }"), want: "base run, web relayer, worker may", reason: "update"},
		{name: "script", do: spec("run: echo one", "run: echo two"), want: "base run, web relayer, worker may", reason: "echo"},
		{name: "script of a role", do: spec("script: echo worker", "script: echo other"), want: "worker run", reason: "echo"},
		{name: "network", do: spec(", network: none", ""), want: "worker run", reason: "network"},
		{name: "comment of the spec", do: spec("# What the chosen", "# Which the chosen"), want: ""},
		{name: "comment in the script of a builder", do: spec("# how it is made", "# how it is built"), want: "builder run, taker relayer", reason: "how it is made"},
		{name: "cache", do: spec("[/root/.cache]", "[/root/.cache, /var/cache/x]"), want: ""},
		{name: "source of the builder", do: file("src/main.go", "package other"), want: "builder run, taker relayer", reason: "main.go"},
		{name: "order of files", do: spec("[{ from: first.txt, to: /srv/ }, { from: second.txt, to: /srv/ }]", "[{ from: second.txt, to: /srv/ }, { from: first.txt, to: /srv/ }]"), want: "base relayer, web relayer, worker relayer", reason: "copy second.txt"},
		{name: "order of steps", do: spec("      - apt: { update: true, remove: [gcc] }\n      - run: echo one\n", "      - run: echo one\n      - apt: { update: true, remove: [gcc] }\n"), want: "base run, web relayer, worker may", reason: "moved"},
		{name: "base moved", do: moveBase("moved"), want: "builder run, base run, web relayer, worker may, taker relayer", reason: "moved from sha256:", undo: moveBase("base")},
		{name: "another base", do: with(func(h *how) { h.set = []string{"release=1x"} }), want: "base run, web relayer, worker may", reason: "debian:1x"},
		{name: "another name of the base", do: with(func(h *how) { h.set = []string{"release=2"} }), want: "base relayer, web relayer, worker relayer", reason: "from debian:1 to debian:2"},
		{name: "another name of the spec", do: spec("name: chosen", "name: other"), want: "base relayer, web relayer, worker relayer, taker relayer, each-a relayer, each-b relayer, plain relayer", reason: "nothing of other was built"},
		{name: "mode", do: spec("from: web, to: /srv/web,", "from: web, to: /srv/web, mode: \"0600\","), want: "web relayer", reason: "mode"},
		{name: "owner", do: spec("from: web, to: /srv/web,", "from: web, to: /srv/web, owner: \"1:2\","), want: "web relayer", reason: "owner"},
		{name: "owner by name", do: spec("from: web, to: /srv/web,", "from: web, to: /srv/web, owner: nobody,"), want: "web relayer", reason: "owner"},
		{name: "exclude", do: spec(`exclude: ["*.md"]`, `exclude: ["*.css"]`), want: "web relayer", reason: "notes.md"},
		{name: "matrix value", do: spec("KIND: [a, b]", "KIND: [a, c]"), want: "each-c relayer", reason: "is new"},
		{name: "matrix value less", do: spec("KIND: [a, b]", "KIND: [a]"), want: ""},
		{name: "file of one of the matrix", do: file("b.txt", "other"), want: "each-b relayer", reason: "b.txt"},
		{name: "lower file", do: in("lower.yaml", "tcp://db:", "tcp://other:"), want: "base relayer, web relayer, worker run", reason: "services db url"},
		{name: "tag", do: with(func(h *how) { h.tags = []string{"2"} }), want: "web relayer, worker relayer", reason: "chosen/base:2"},
		{name: "repository", do: spec("  base:\n", "  base:\n    repository: other\n"), want: "web relayer, worker relayer", reason: "is called"},
		{name: "known command of a builder", do: spec("# how it is made", "# how it is built"), want: "taker relayer", reason: "in builder: run: "},
		{name: "date", do: with(func(h *how) { h.created = time.Unix(1e9, 0) }), want: "builder may, base relayer, web relayer, worker relayer, taker relayer, each-a relayer, each-b relayer, plain relayer"},
		{name: "no cache", do: with(func(h *how) { h.noCache = true }), want: "builder run, base run, web relayer, worker run, taker relayer, each-a relayer, each-b relayer, plain relayer", reason: "run again", reruns: true},
		{name: "refresh", do: with(func(h *how) { h.refresh = true }), want: "builder run, base run, web relayer, worker may, taker relayer", reason: "fresh", reruns: true},
		{name: "failing command", do: spec("script: echo worker", "script: fail-now"), want: "worker run", reason: "fail-now", fails: true},
		{name: "step added", do: spec("      - run: echo one\n", "      - run: echo one\n      - run: echo more\n"), want: "base run, web relayer, worker may", reason: "echo more"},
		{name: "step removed", do: spec("      - run: echo one\n", ""), want: "base relayer, web relayer, worker run", reason: "echo one"},
	}
}

func remove(name string) func(*testing.T, *subject) {
	return func(t *testing.T, s *subject) {
		t.Helper()
		if err := os.Remove(filepath.Join(s.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func chmod(name string, mode os.FileMode) func(*testing.T, *subject) {
	return func(t *testing.T, s *subject) {
		t.Helper()
		if err := os.Chmod(filepath.Join(s.dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
}

// moveBase publishes other bytes under the name of the base.
func moveBase(content string) func(*testing.T, *subject) {
	return func(t *testing.T, _ *subject) {
		t.Helper()
		if err := pushBase("base", content); err != nil {
			t.Fatal(err)
		}
	}
}

// chosenSubject returns the spec of the chosen edits.
func chosenSubject(t *testing.T, name string) *subject {
	t.Helper()
	s := &subject{name: name, dir: t.TempDir(), file: "pulpimg.yaml", place: on.place + "/" + name}
	for file, from := range map[string]string{"pulpimg.yaml": "chosen.yaml", "lower.yaml": "lower.yaml"} {
		data, err := os.ReadFile(filepath.Join("testdata", from))
		if err != nil {
			t.Fatal(err)
		}
		s.write(t, file, string(data))
	}
	s.write(t, "src/main.go", "package main")
	for name, content := range map[string]string{
		"first.txt": "first", "second.txt": "second", "a.txt": "a", "b.txt": "b", "c.txt": "c",
		"web/index.html": "<p>hello</p>", "web/style.css": "p {}", "web/notes.md": "notes", "web/deep/only.txt": "only",
	} {
		s.write(t, name, content)
	}
	return s
}

func TestHonest_chosen(t *testing.T) {
	s := chosenSubject(t, "chosen")
	before := step(t, s, nil)
	s.push(t, before)
	now := before.digests()
	for _, test := range chosenEdits() {
		t.Run(test.name, func(t *testing.T) { now = chosenEdit(t, s, test, now) })
	}
}

// chosenEdit makes an edit, builds, takes it back and builds again. It returns the digests at the end.
func chosenEdit(t *testing.T, s *subject, test chosen, before map[string]string) map[string]string {
	t.Helper()
	saved := t.TempDir()
	if err := os.CopyFS(saved, os.DirFS(s.dir)); err != nil {
		t.Fatal(err)
	}
	test.do(t, s)
	undo := func() {
		s.how = how{}
		if test.undo != nil {
			test.undo(t, s)
		}
		if err := os.RemoveAll(s.dir); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(s.dir, os.DirFS(saved)); err != nil {
			t.Fatal(err)
		}
	}
	defer undo()
	plan, err := s.plan(t)
	if err != nil {
		t.Fatal(err)
	}
	if got := short(plan); got != test.want {
		t.Errorf("announced:\n%s\nwant:\n%s\n%s", got, test.want, summary(plan))
	}
	if first := firstReason(plan); !strings.Contains(first, test.reason) {
		t.Errorf("the first reason is %q; want one with %q", first, test.reason)
	}
	built, err := s.build(t)
	if (err != nil) != test.fails {
		t.Fatalf("the build: %v", err)
	}
	now := before
	if err == nil {
		now = built.digests()
		for _, mistake := range append(compare(plan, built, before), published(plan, s.push(t, built))...) {
			t.Error(mistake)
		}
	}
	undo()
	if test.fails {
		nothingToDo(t, s)
	}
	if test.reruns { // commands ran that had run before, and made something else
		return step(t, s, now).digests()
	}
	s.back(t, edit{text: test.name}, now, before)
	return before
}

// nothingToDo checks that nothing of what is known was forgotten.
func nothingToDo(t *testing.T, s *subject) {
	t.Helper()
	plan, err := s.plan(t)
	if err != nil {
		t.Fatal(err)
	}
	if got := short(plan); got != "" {
		t.Errorf("after the edit, there is something to do: %s\n%s", got, summary(plan))
	}
}

// short returns what is announced, as the tests have it.
func short(plan *build.Plan) string {
	var out []string
	for _, image := range plan.Images {
		if image.Action != build.ActionSame {
			word, _, _ := strings.Cut(string(image.Action), " ")
			out = append(out, image.Name+" "+word)
		}
	}
	return strings.Join(out, ", ")
}

func firstReason(plan *build.Plan) string {
	for _, image := range plan.Images {
		if image.Action != build.ActionSame && len(image.Reasons) > 0 {
			return image.Reasons[0].Text
		}
	}
	return ""
}
