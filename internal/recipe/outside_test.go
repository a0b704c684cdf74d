package recipe_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/internal/recipe"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// textsOf returns what is said of two specs, image by image.
func textsOf(t *testing.T, old, now string) []string {
	t.Helper()
	w := world{build: amd64}
	file := filepath.Join(t.TempDir(), "f.yaml")
	writeFile(t, file, old)
	before := kept(t, w.recipe(t, must(load(file))(t)))
	writeFile(t, file, now)
	f := must(load(file))(t)
	return texts(f, w.recipe(t, f).Since(before))
}

const head = "version: 1\nname: f\nregistry: example.com/f\ntag: '1'\n"

func TestSince_tellsImagesByWhatTheyAre(t *testing.T) {
	const one = head + `
images:
  below: { from: scratch, labels: { a: "1" }, env: { A: "1" }, steps: [{ directory: { path: /a } }] }
  top: { from: below, steps: [{ run: { script: make, mounts: [{ image: other, from: /, to: /m }] } }] }
  other: { from: scratch, labels: { b: "1" }, steps: [{ directory: { path: /b } }] }
`
	renamed := strings.NewReplacer("below:", "under:", "from: below", "from: under", "other:", "another:", "image: other", "image: another")
	for _, test := range []struct {
		name string
		edit func(string) string
		want []string
	}{
		{"another name", func(s string) string { return s }, []string{"under new", "another new"}},
		{"another name and label", func(s string) string { return strings.Replace(s, `a: "1"`, `a: "2"`, 1) },
			[]string{"under new", "another new", "top *is based on under now, before on below"}},
		{"another name and label of what files are taken from", func(s string) string { return strings.Replace(s, `b: "1"`, `b: "2"`, 1) },
			[]string{"under new", "another new"}},
		{"another name and content of what files are taken from", func(s string) string { return strings.Replace(s, "/b", "/c", 1) },
			[]string{"under new", "another new", "top *mount /m image: other to another"}},
	} {
		if diff := cmp.Diff(test.want, textsOf(t, one, test.edit(renamed.Replace(one)))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestSince_takesNoNoticeOfHowAMatrixIsWritten(t *testing.T) {
	const one = head + `
images:
  a: { name: "a-${{ v }}", matrix: { v: ["1", "2"] }, from: "docker.io/library/debian:${{ v }}" }
`
	if got := textsOf(t, one, strings.Replace(one, "  a:", "  b:", 1)); got != nil {
		t.Errorf("another key: %q", got)
	}
	want := []string{"a-3 new"}
	if diff := cmp.Diff(want, textsOf(t, one, strings.Replace(one, `["1", "2"]`, `["3", "2"]`, 1))); diff != "" {
		t.Errorf("another value (-want +got):\n%s", diff)
	}
}

// TestSince_namesABaseThatIsCalledOtherwise has one image under two names, one of which is in the manifests of what is based on it.
func TestSince_namesABaseThatIsCalledOtherwise(t *testing.T) {
	const one = head + `
images:
  a: { from: "docker.io/library/debian:12", steps: [{ files: { image: "docker.io/library/debian:12", from: /a, to: /a } }] }
`
	w := world{build: amd64, bases: map[string]string{"docker.io/library/debian:bookwormamd64": "docker.io/library/debian:12amd64"}}
	file := filepath.Join(t.TempDir(), "f.yaml")
	writeFile(t, file, one)
	before := kept(t, w.recipe(t, must(load(file))(t)))
	writeFile(t, file, strings.Replace(one, "debian:12", "debian:bookworm", 1))
	f := must(load(file))(t)
	want := []string{"a from debian:12 to debian:bookworm, which is the same image"}
	if diff := cmp.Diff(want, texts(f, w.recipe(t, f).Since(before))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestSince_namesTheFileAndNotItsDirectory has a directory that loses its last file, and gets it back.
func TestSince_namesTheFileAndNotItsDirectory(t *testing.T) {
	w := world{build: amd64}
	dir := t.TempDir()
	file := filepath.Join(dir, "f.yaml")
	writeFile(t, file, head+"images:\n  a: { from: scratch, steps: [{ files: { from: src, to: /src } }] }\n")
	must(0, os.MkdirAll(filepath.Join(dir, "src", "cmd"), 0o755))(t)
	writeFile(t, filepath.Join(dir, "src", "cmd", "main.go"), "package main")
	f := must(load(file))(t)
	with := kept(t, w.recipe(t, f))
	must(0, os.Remove(filepath.Join(dir, "src", "cmd", "main.go")))(t)
	f = must(load(file))(t)
	without := kept(t, w.recipe(t, f))
	for _, test := range []struct {
		old, now recipe.Recipe
		want     string
	}{
		{with, without, "a *- src/cmd/main.go and 1 more"},
		{without, with, "a *+ src/cmd/main.go and 1 more"},
	} {
		if diff := cmp.Diff([]string{test.want}, texts(f, test.now.Since(test.old))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// TestSince_hidesSecrets has the same secret in all that a spec can say of an image.
func TestSince_hidesSecrets(t *testing.T) {
	const one = head + `
variables: { password: { default: hunter2hunter2 } }
images:
  a:
    from: scratch
    labels: { "org.example.token": hunter2hunter2, url: "https://me:hunter2hunter2@example.com/" }
    env: { API_KEY: hunter2hunter2, URL: "https://example.com/?token=hunter2hunter2" }
    command: [serve, --password=hunter2hunter2]
    steps:
      - repo: { url: "https://me:${{ password }}@example.com/a?sig=hunter2hunter2", to: /a }
      - run: { script: "PASSWORD=hunter2hunter2 make 'https://me:hunter2hunter2@example.com/'", env: { SECRET: hunter2hunter2 } }
      - env: { DB_PASSWORD: hunter2hunter2 }
`
	w := world{build: amd64}
	file := filepath.Join(t.TempDir(), "f.yaml")
	writeFile(t, file, one)
	old := w.recipe(t, must(load(file))(t))
	if data := string(must(old.Encode())(t)); strings.Contains(data, "hunter2") {
		t.Errorf("the secret is in the recipe:\n%s", data)
	}
	got := textsOf(t, one, strings.ReplaceAll(one, "hunter2hunter2", "hunter2hunter3"))
	want := []string{
		"a *env API_KEY: another value", "a *env URL: another value", "a *run: the script changed", "a *env SECRET: another value",
		"a env DB_PASSWORD: another value", "a label org.example.token: another value", "a label url: another value", "a command: another value",
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestSince_namesWhatThisProgramBrings has a helper and a lens of another version of this program.
func TestSince_namesWhatThisProgramBrings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f.yaml")
	writeFile(t, file, head+`
images:
  a: { from: scratch, steps: [{ helpers: [wait] }, { lens: pulpconf.aug }] }
`)
	of := func(content string) *family.Family {
		assets := fstest.MapFS{"pulpconf.aug": {Data: []byte(content)}, "helper/pulp-helper-linux-amd64": {Data: []byte(content)}}
		return must(family.Resolve(must(spec.Load(file))(t), family.Options{
			Dir: filepath.Dir(file), Assets: assets, Git: func(string) (string, error) { return "", fs.ErrNotExist },
		}))(t)
	}
	w := world{build: amd64}
	f := of("two")
	want := []string{"a *pulp-helper is another one", "a */usr/share/augeas/lenses/pulpconf.aug changed"}
	if diff := cmp.Diff(want, texts(f, w.recipe(t, f).Since(w.recipe(t, of("one"))))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
