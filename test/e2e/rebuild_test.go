package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Building twice gives the same digests.
func TestRebuild_sameDigests(t *testing.T) {
	env.lanes.warm.enter(t)
	first := pulp(t)
	second := warm().build(t, "-f", pulpSpec(), "--registry", pulpRegistry(), "--format", "json").result(t)
	if diff := cmp.Diff(first.digests(), second.digests()); diff != "" {
		t.Errorf("digests (-first +second):\n%s", diff)
	}
}

// pulpCopy copies specs/pulp.yaml, the lens and the built helpers to a new directory.
func pulpCopy(t *testing.T) (spec, lens, assets string) {
	t.Helper()
	dir := t.TempDir()
	assets = filepath.Join(dir, "assets")
	spec, lens = filepath.Join(dir, "pulp.yaml"), filepath.Join(dir, "pulpconf.aug")
	for to, from := range map[string]string{
		spec:   pulpSpec(),
		lens:   filepath.Join(env.root, "assets", "pulpconf.aug"),
		assets: filepath.Join(env.root, "assets"),
	} {
		info, err := os.Stat(from)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			err = os.CopyFS(to, os.DirFS(from))
		} else {
			var data []byte
			if data, err = os.ReadFile(from); err == nil {
				err = os.WriteFile(to, data, 0o644)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return spec, lens, assets
}

// After a change of a file, no package step runs again, and one layer of the base is new.
func TestRebuild_editedFile(t *testing.T) {
	env.lanes.warm.enter(t)
	pulp(t)
	spec, lens, assets := pulpCopy(t)
	args := []string{"-f", spec, "--assets", assets, "--registry", registry(t), "--format", "json", "--progress", "rawjson"}
	before := warm().build(t, args...).result(t).layers()
	for _, edit := range []struct{ name, file, text, step string }{
		{"the lens", lens, "(* edited *)\n", "lens"},
		{"a helper", filepath.Join(assets, "helper", "pulp-helper-linux-amd64"), "edited", "helpers"},
	} {
		appendTo(t, edit.file, edit.text)
		out := warm().build(t, args...)
		after := out.result(t).layers()
		for _, v := range out.vertices(t) {
			if strings.Contains(v.Name, "] yum ") && !v.Cached {
				t.Errorf("%s was edited, and this ran: %s", edit.name, v.Name)
			}
		}
		if changed := differences(before["pulp-base"], after["pulp-base"]); len(changed) != 1 {
			t.Errorf("%s was edited, and the layers %v of the base changed, not one:\n%s", edit.name, changed, cmp.Diff(before, after))
		}
		for _, role := range pulpImages[1:] {
			if before[role][len(before[role])-1] != after[role][len(after[role])-1] {
				t.Errorf("%s was edited, and the layer of %s's own changed", edit.name, role)
			}
		}
		before = after
	}
}

func appendTo(t *testing.T, file, text string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, slices.Concat(data, []byte(text)), 0o755); err != nil {
		t.Fatal(err)
	}
}

// differences returns where two lists differ.
func differences(a, b []string) []int {
	var out []int
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			out = append(out, i)
		}
	}
	return out
}

// The layers of package steps are not the same after an empty cache, and cannot be: rpm notes in its database when it installed a
// package, and the directories that it wrote into have the time of that. What follows from these layers differs with them: their
// diff IDs in the configs, and so the digests of the configs and manifests. All else is the same.
func TestRebuild_emptyCache(t *testing.T) {
	pulp(t)
	env.lanes.own.enter(t)
	spec := pulpSpec()
	place := registry(t)
	cold(t).build(t, "-f", spec, "--push", "--registry", place).ok(t)
	for _, name := range pulpImages {
		one, other := image(t, pulpRegistry()+"/"+name+pulpTag), image(t, place+"/"+name+pulpTag)
		packages := madeBy(t, one, "RUN yum ")
		changed := differences(layerDigests(t, one), layerDigests(t, other))
		for _, at := range changed {
			if !slices.Contains(packages, at) {
				t.Errorf("%s: layer %d differs, and the package steps made %v", name, at, packages)
			}
		}
		if diff := cmp.Diff(withoutDiffIDs(t, one, packages), withoutDiffIDs(t, other, packages), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: configs (-warm +cold):\n%s", name, diff)
		}
		for _, at := range packages {
			if diff := cmp.Diff(paths(t, layers(t, one)[at]), paths(t, layers(t, other)[at])); diff != "" {
				t.Errorf("%s: layer %d holds other files (-warm +cold):\n%s", name, at, diff)
			}
		}
	}
}

// withoutDiffIDs returns the config of an image without the diff IDs of some layers.
func withoutDiffIDs(t *testing.T, img v1.Image, layers []int) *v1.ConfigFile {
	t.Helper()
	c := config(t, img).DeepCopy()
	for _, at := range layers {
		c.RootFS.DiffIDs[at] = v1.Hash{}
	}
	return c
}

// paths returns what a layer holds.
func paths(t *testing.T, l v1.Layer) []string {
	t.Helper()
	var out []string
	for name := range entries(t, l) {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

const stampSpec = `
version: 1
name: stamp
registry: docker.io/lab
tag: "1"
images:
  stamp:
    from: docker.io/library/fedora:20
    steps:
      - run: cat /proc/sys/kernel/random/uuid > /stamp
      - run: cp /stamp /copy
`

// With --no-cache, commands run again, and the image has their results.
func TestRebuild_noCache(t *testing.T) {
	env.lanes.warm.enter(t)
	spec := specFile(t, stampSpec, nil)
	place := registry(t)
	args := []string{"-f", spec, "--registry", place, "--push"}
	stamps := func() (stamp, copied string) {
		img := image(t, place+"/stamp:1")
		made := madeBy(t, img, "RUN ")
		return string(file(t, layers(t, img)[made[0]], "/stamp")), string(file(t, layers(t, img)[made[1]], "/copy"))
	}
	warm().build(t, args...).ok(t)
	first, _ := stamps()
	warm().build(t, args...).ok(t)
	if again, _ := stamps(); again != first {
		t.Errorf("a command ran again without need: %q, then %q", first, again)
	}
	warm().build(t, append(args, "--no-cache")...).ok(t)
	second, copied := stamps()
	if second == first {
		t.Errorf("with --no-cache the image still has the result of the first run, %q", first)
	}
	if copied != second {
		t.Errorf("with --no-cache the second command saw the result of an older first one: %q, not %q", copied, second)
	}
}

// SOURCE_DATE_EPOCH is the time of files and configs.
func TestRebuild_sourceDateEpoch(t *testing.T) {
	env.lanes.warm.enter(t)
	spec := specFile(t, filesSpec, filesOfSpec)
	place := registry(t)
	p := warm().with("SOURCE_DATE_EPOCH=1387238400")
	p.build(t, "-f", spec, "--registry", place, "--push", "--set", "base="+env.lab.Registry+"/files:1").ok(t)
	img := image(t, place+"/plain:1")
	if got := config(t, img).Created.Unix(); got != 1387238400 {
		t.Errorf("the config says %d", got)
	}
	for name, h := range entries(t, layers(t, img)[madeBy(t, img, "COPY ")[0]]) {
		if h.ModTime.Unix() != 1387238400 {
			t.Errorf("%s is of %s", name, h.ModTime)
		}
	}
}
