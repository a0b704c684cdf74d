package family_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// stages is a family in which images take from others, in another order than they are declared in.
const stages = head + `images:
  app:
    from: scratch
    steps:
      - files: { image: build, from: /out/app, to: /usr/bin/ }
      - files: [{ image: "reg.example/tools", from: "/opt/*", to: /opt/ }, { image: build, from: /etc/app, to: /etc/app }]
  test:
    publish: false
    from: build
    steps:
      - run: { script: make test, mounts: [{ image: data, from: /data, to: /data }, { tmpfs: /scratch }] }
  build:
    publish: false
    from: docker.io/library/debian:12
    steps: [run: make]
  data:
    publish: false
    from: scratch
`

func TestResolve_sources(t *testing.T) {
	f := familytest.Parse(t, stages)
	var order, sources []string
	for _, i := range f.Images {
		order = append(order, i.Name)
		for _, s := range i.Sources() {
			sources = append(sources, i.Name+" takes from "+s.Name())
		}
	}
	if diff := cmp.Diff([]string{"build", "app", "data", "test"}, order); diff != "" {
		t.Errorf("the order (-want +got):\n%s", diff)
	}
	want := []string{"app takes from build", "app takes from reg.example/tools:latest", "app takes from build", "test takes from data"}
	if diff := cmp.Diff(want, sources); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
	names := func(images []*family.Image) (out []string) {
		for _, i := range images {
			out = append(out, i.Name)
		}
		return out
	}
	if got := names(f.Published()); !slices.Equal(got, []string{"app"}) {
		t.Errorf("published: %v, want app", got)
	}
	if got := names(f.Unused()); !slices.Equal(got, []string{"test"}) {
		t.Errorf("built for themselves: %v, want test", got)
	}
	selected, err := f.Select("app")
	if err != nil {
		t.Fatal(err)
	}
	if got := names(selected.Images); !slices.Equal(got, []string{"build", "app"}) {
		t.Errorf("app needs %v, want build and app", got)
	}
}

func TestResolve_sourceErrors(t *testing.T) {
	image := func(steps string) string {
		return head + "images:\n  a:\n    from: scratch\n    steps: [" + steps + "]\n"
	}
	for _, test := range []struct{ name, yaml, want string }{
		{"a cycle over image", head + "images:\n  a: {from: scratch, steps: [files: {image: b, from: /x, to: /x}]}\n  b: {from: a}\n",
			`f.yaml:6:45: the images need each other in a cycle: a -> b -> a (an image can take files only from images that are built without it)`},
		{"a cycle over mounts", head + "images:\n  a: {from: b}\n  b: {from: scratch, steps: [run: {script: s, mounts: [{image: a, from: /x, to: /x}]}]}\n",
			`f.yaml:7:64: the images need each other in a cycle: a -> b -> a (an image can take files only from images that are built without it)`},
		{"files of the image itself", image("files: {image: a, from: /x, to: /y}"),
			`f.yaml:8:28: the images need each other in a cycle: a -> a (an image can take files only from images that are built without it)`},
		{"an unknown image", image("files: {image: bulid, from: /x, to: /y}"),
			`f.yaml:8:28: no image of this family is called "bulid" (write docker.io/library/bulid for an image from outside)`},
		{"scratch as a source", image("files: {image: scratch, from: /x, to: /y}"), `f.yaml:8:28: scratch is an image without files`},
		{"a relative path in an image", image("files: {image: reg.example/x, from: out, to: /y}"),
			`f.yaml:8:49: "out" is no path in reg.example/x:latest: it is not absolute (write it from the root, /)`},
		{"a path out of an image", image("files: {image: reg.example/x, from: /../etc, to: /y}"),
			`f.yaml:8:49: "/../etc" is no path in reg.example/x:latest: it is not plain: it has an empty part, "." or ".." (write it from the root, /)`},
		{"a mount over the image", image("run: {script: s, mounts: [{tmpfs: /}]}"), `f.yaml:8:47: the mount is /, the image itself`},
		{"two mounts at one place", image("run: {script: s, cache: [/a], mounts: [{tmpfs: /a/}]}"), `f.yaml:8:60: this step has two caches or mounts at /a`},
		{"a mount of what is not there", image("run: {script: s, mounts: [{from: none, to: /a}]}"),
			`f.yaml:8:46: "none" cannot be mounted: there is no such file in the spec's folder`},
		{"a mount out of the folder", image("run: {script: s, mounts: [{from: ../x, to: /a}]}"),
			`f.yaml:8:46: "../x" is outside the spec's folder (name a file in the folder of the spec)`},
		{"another network", image("run: {script: s, network: host}"), `f.yaml:8:39: "host" is no network: only "none" can be said of one`},
		{"a user that is none", image("run: {script: s, user: \"a b\"}"), `f.yaml:8:36: "a b" is no user`},
		{"a published image on the build platform", head + "images: {a: {platform: build, from: scratch}}\n",
			`f.yaml:5:24: an image with platform: build is not for the platform that it would be published for (add publish: false, and let another image take from it what it makes)`},
		{"an image based on one of the build platform", head + "images:\n  a: {platform: build, publish: false, from: scratch}\n  b: {from: a}\n",
			`f.yaml:7:13: a runs on the platform of the engine, and what is based on it would, too (add platform: build and publish: false, or take files of a with image: in a files step)`},
		{"the target outside images", head + "variables: {v: {default: \"${{ target.arch }}\"}}\n" + images,
			`f.yaml:5:27: target.arch is not known here: below images, the target is target.os, target.arch and target.variant`},
		{"a target that is none", image("run: \"${{ target.cpu }}\""), `f.yaml:8:19: target.cpu is not known here: below images, the target is target.os, target.arch and target.variant`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := spec.Parse("f.yaml", []byte(test.yaml))
			if err != nil {
				t.Fatal(err)
			}
			_, err = family.Resolve(s, family.Options{Dir: t.TempDir()})
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

// A selected image does not need the variables of images that it neither is based on nor takes from.
func TestResolve_selectedSources(t *testing.T) {
	const yaml = head + `variables: {v: {}}
images:
  build: {publish: false, from: "reg.example/${{ v }}"}
  app: {from: scratch, steps: [files: {image: build, from: /x, to: /x}]}
  other: {from: scratch}
`
	s, err := spec.Parse("f.yaml", []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := family.Resolve(s, family.Options{Images: []string{"other"}}); err != nil {
		t.Errorf("other needs no variable: %v", err)
	}
	var noValue *family.NoValueError
	if _, err := family.Resolve(s, family.Options{Images: []string{"app"}}); !errors.As(err, &noValue) {
		t.Errorf("app takes from build, which needs the variable: %v", err)
	}
}

func TestFamily_For(t *testing.T) {
	dir := t.TempDir()
	for _, arch := range []string{"amd64", "arm64"} {
		if err := os.WriteFile(filepath.Join(dir, "app-"+arch), []byte(arch), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	const yaml = head + "images:\n  a:\n    from: scratch\n    labels: { p: \"${{ target.os }}/${{ target.arch }}/${{ target.variant }}\" }\n" +
		"    steps: [files: { from: \"app-${{ target.arch }}\", to: /app }]\n  b: { from: scratch }\n"
	s, err := spec.Parse("f.yaml", []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	f, err := family.Resolve(s, family.Options{Dir: dir, Target: family.Target{Arch: "amd64"}, Images: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	arm, err := f.For(family.Target{OS: "linux", Arch: "arm64", Variant: "v8"})
	if err != nil {
		t.Fatal(err)
	}
	if got := arm.Images[0].Config.Labels["p"]; got != "linux/arm64/v8" || len(arm.Images) != 1 {
		t.Errorf("the label is %s in %d images, want linux/arm64/v8 in one", got, len(arm.Images))
	}
	digests := map[string]bool{}
	for _, one := range []*family.Family{f, arm} {
		inputs, err := one.Inputs(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		digests[inputs["a"]] = true
	}
	if len(digests) != 2 {
		t.Error("the inputs for two architectures are the same")
	}
	if same, err := f.For(family.Target{Arch: "amd64"}); err != nil || same != f {
		t.Errorf("for its own target, the family is another one: %v", err)
	}
	if at, ok := f.NamesTarget(); !ok || at.Start.Line != 8 {
		t.Errorf("the spec names the target at %v, %t", at, ok)
	}
	if _, err := f.For(family.Target{Arch: "riscv64"}); err == nil || !strings.Contains(err.Error(), "app-riscv64") {
		t.Errorf("for a target without a file: %v", err)
	}
}
