package family_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// What a file names is beside that file, and stays in the folder of the spec.
func TestLoad_extendedPaths(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"top.yaml": "version: 1\nextends: li[b]/base.yaml\nimages: {top: {from: base, steps: [{files: {from: here, to: /here}}]}}\n",
		"here":     "top's",
		"li[b]/base.yaml": head + `images:
  base:
    from: scratch
    steps:
      - files: {from: here, to: /here}
      - files: {from: "conf/*.conf", to: /conf/}
      - files: {from: ../here, to: /above}
      - lens: own.aug
      - run: {script: x, mounts: [{from: here, to: /m}]}
`,
		"li[b]/here":        "base's",
		"li[b]/own.aug":     "module Own =\n",
		"li[b]/conf/a.conf": "a",
		"li[b]/conf/b.conf": "b",
		"conf/c.conf":       "not this one",
		".dockerignore":     "**/b.conf\n",
	})
	f, err := family.Load(filepath.Join(dir, "top.yaml"), family.Options{Assets: builtIn()})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, image := range f.Images {
		for _, step := range image.Steps {
			if files, ok := step.(family.Files); ok {
				for _, file := range files.Files {
					got = append(got, file.Path+" "+strings.TrimSpace(content(t, file, "amd64")))
				}
			}
			if run, ok := step.(family.Run); ok {
				got = append(got, "mount "+content(t, run.Mounts[0].Files[0], "amd64"))
			}
		}
	}
	want := []string{"/here base's", "/conf/a.conf a", "/above top's", "/usr/share/augeas/lenses/own.aug module Own =", "mount base's", "/here top's"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoad_extendedErrors(t *testing.T) {
	for _, test := range []struct{ name, step, want string }{
		{"outside", "files: {from: ../../x, to: /x}", `DIR/lib/base.yaml:8:29: "../../x" is outside the spec's folder (name a file in the folder of the spec)`},
		{"absolute", "files: {from: /etc, to: /x}", `DIR/lib/base.yaml:8:29: "/etc" is outside the spec's folder (name a file in the folder of the spec)`},
		{"beside the other file", "files: {from: here, to: /x}", `DIR/lib/base.yaml:8:29: "lib/here" cannot be copied: there is no such file in the spec's folder`},
		{"a variable", `run: "${{ v }}"`, `DIR/lib/base.yaml:8:21: the variable "v" is not declared under variables`},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, map[string]string{
				"top.yaml":      "version: 1\nextends: lib/base.yaml\n",
				"here":          "x",
				"lib/base.yaml": head + "images:\n  a:\n    from: scratch\n    steps: [ {" + test.step + "} ]\n",
			})
			_, err := family.Load(filepath.Join(dir, "top.yaml"), family.Options{})
			got := ""
			if err != nil {
				got = strings.ReplaceAll(err.Error(), dir, "DIR")
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
