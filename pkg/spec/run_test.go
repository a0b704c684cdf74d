package spec

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestParse_run(t *testing.T) {
	const yaml = `{run: {script: s, workdir: /src, user: app, env: {A: b}, network: none, secrets: [t],
      cache: [/a, {path: /b, name: n, lock: true}], mounts: [{from: f, to: /f}, {image: i, from: /g, to: /h}, {tmpfs: /t}]}}`
	got, err := Parse("f.yaml", []byte(step(yaml)))
	if err != nil {
		t.Fatal(err)
	}
	text := func(s string) Text { return Text{Value: s} }
	want := &Run{
		Script: text("s"), Workdir: text("/src"), User: text("app"), Network: text("none"), Secrets: []Text{text("t")},
		Env:    []Named[Text]{{Name: text("A"), Value: text("b")}},
		Cache:  []CacheDir{{Path: text("/a")}, {Path: text("/b"), Name: text("n"), Lock: true}},
		Mounts: []Mount{{From: text("f"), To: text("/f")}, {Image: text("i"), From: text("/g"), To: text("/h")}, {Tmpfs: text("/t")}},
	}
	if diff := cmp.Diff(want, got.Images[0].Value.Steps[0].Run, cmpopts.IgnoreTypes(Range{}), cmpopts.IgnoreUnexported(Text{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParse_stepErrors(t *testing.T) {
	for _, test := range []struct{ name, yaml, want string }{
		{"an unknown key of run", step("{run: {script: s, chache: []}}"),
			`f.yaml:8:32: unknown key "chache" in run (did you mean "cache"?)`},
		{"a cache without a path", step("{run: {script: s, cache: [{name: n}]}}"), `f.yaml:8:40: cache needs the key "path"`},
		{"a cache that is a list", step("{run: {script: s, cache: [[a]]}}"), `f.yaml:8:40: cache has to be a mapping, not a list`},
		{"a mount of nothing", step("{run: {script: s, mounts: [{to: /a}]}}"), `f.yaml:8:41: a mount needs the key "from"`},
		{"a mount to nowhere", step("{run: {script: s, mounts: [{from: a}]}}"), `f.yaml:8:41: a mount needs the key "to"`},
		{"a tmpfs of an image", step("{run: {script: s, mounts: [{tmpfs: /a, image: i}]}}"),
			`f.yaml:8:60: a mount with tmpfs has no other key (write one mount for each)`},
		{"env without variables", step("{env: {}}"), `f.yaml:8:20: env sets nothing`},
		{"env that is a list", step("{env: [a]}"), `f.yaml:8:20: env has to be a mapping, not a list (write NAME: value)`},
		{"publish in words", head + "images: {a: {from: scratch, publish: never}}\n", `f.yaml:5:38: publish has to be true or false, not "never"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("f.yaml", []byte(test.yaml))
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}
