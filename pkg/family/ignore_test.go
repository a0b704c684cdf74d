package family_test

import (
	"context"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/tonistiigi/fsutil"

	"github.com/pulpimg/pulpimg/pkg/family"
)

func TestDockerignore(t *testing.T) {
	tree := map[string]string{
		"app/main.py": "", "app/.env": "", "app/__pycache__/main.pyc": "", "app/.git/config": "", "app/doc/a.md": "", "app/doc/README.md": "", "app/only/x.log": "", "secret": "", "kept": "",
	}
	for _, test := range []struct {
		name, ignore, files string
		want                []string
	}{
		{"no pattern", "# nothing\n\n", "{from: app/doc, to: /t}", []string{"/t/README.md", "/t/a.md"}},
		{"names anywhere", "**/.git\n**/__pycache__\n**/.env\n", "{from: app, to: /t}", []string{"/t/doc/README.md", "/t/doc/a.md", "/t/main.py", "/t/only/x.log"}},
		{"a name at the top is of the spec's folder", ".env\napp/.git\n", "{from: app, to: /t}",
			[]string{"/t/.env", "/t/__pycache__/main.pyc", "/t/doc/README.md", "/t/doc/a.md", "/t/main.py", "/t/only/x.log"}},
		{"all but one", "app/*\n!app/doc/README.md\n", "{from: app, to: /t}", []string{"/t/doc/README.md"}},
		{"an exception that comes too early", "!app/doc/README.md\napp/*\n", "{from: app, to: /t}", []string{"/t"}},
		{"a directory that is left out, but for a file", "app/doc\n!app/doc/*.md\napp/doc/a.md\n", "{from: app/doc, to: /t}", []string{"/t/README.md"}},
		{"a directory in which all is left out stays", "**/*.log\n", "{from: app/only, to: /t}", []string{"/t"}},
		{"a file by its name", "secret\n", "{from: kept, to: /t}", []string{"/t"}},
		{"a link to a directory", "app\n!app/doc\n", "{from: link, to: /t}", []string{"/t/README.md", "/t/a.md"}},
		{"a byte order mark, blanks and slashes", "\ufeff/app/.git/ \n./app/.env\n", "{from: app/., to: /t}",
			[]string{"/t/__pycache__/main.pyc", "/t/doc/README.md", "/t/doc/a.md", "/t/main.py", "/t/only/x.log"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, tree)
			write(t, dir, map[string]string{".dockerignore": test.ignore})
			link(t, "app/doc", filepath.Join(dir, "link"))
			if diff := cmp.Diff(test.want, copied(t, dir, test.files)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

// copied returns the paths that a step copies.
func copied(t *testing.T, dir, files string) []string {
	t.Helper()
	var out []string
	for _, file := range mustResolve(t, step("files: "+files), family.Options{Dir: dir}).Images[0].Steps[0].(family.Files).Files {
		out = append(out, file.Path)
	}
	slices.Sort(out)
	return out
}

func TestDockerignore_errors(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"d/secret": "", "d/sub/a": "", "e/a": ""})
	link(t, "d/secret", filepath.Join(dir, "way"))
	link(t, "e", filepath.Join(dir, "hidden"))
	const ignored = ` cannot be copied: the .dockerignore beside the spec leaves it out`
	for _, test := range []struct{ name, ignore, from, want string }{
		{"a file", "d/secret\n", "d/secret", `"d/secret"` + ignored},
		{"a file of a directory", "d\n", "d/secret", `"d/secret"` + ignored},
		{"a directory", "d\n", "d", `"d"` + ignored},
		{"a directory with exceptions elsewhere", "d\n!e\n", "d/sub", `"d/sub"` + ignored},
		{"a link to a file", "**/secret\n", "way", `"way"` + ignored},
		{"a link that is left out itself", "hidden\n", "hidden", `"hidden"` + ignored},
		{"a pattern that is none", "a\n[b\n", "e", `.dockerignore has the pattern "[b": syntax error in pattern`},
		{"an exception from nothing", "!\n", "e", `.dockerignore has the pattern "!": illegal exclusion pattern: "!"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			write(t, dir, map[string]string{".dockerignore": test.ignore})
			_, err := listed(t, dir, "{from: "+test.from+", to: /t}")
			if want := "f.yaml:8:30: " + test.want; err == nil || err.Error() != want {
				t.Errorf("error %v, want %s", err, want)
			}
		})
	}
	t.Run("a directory in its place", func(t *testing.T) {
		other := t.TempDir()
		write(t, other, map[string]string{".dockerignore/x": "", "f": ""})
		_, err := listed(t, other, "{from: f, to: /t}")
		if want := "f.yaml:8:30: .dockerignore is no file of at most 1 MiB"; err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	})
}

// What is copied of random trees with random patterns is what BuildKit sends for them.
func TestDockerignore_likeBuildKit(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	names := []string{"a", "b", "c", "a.b", ".x", "[d]"}
	pick := func(words ...string) string { return words[random.IntN(len(words))] }
	left, rounds := 0, 400
	for range rounds {
		dir := t.TempDir()
		for range 12 {
			parts := []string{dir}
			for range 1 + random.IntN(4) {
				parts = append(parts, pick(names...))
			}
			name := filepath.Join(parts...)
			if os.MkdirAll(filepath.Dir(name), 0o755) == nil && random.IntN(5) > 0 {
				_ = os.WriteFile(name, nil, 0o600) // there may be a directory
			} else {
				_ = os.MkdirAll(name, 0o755)
			}
		}
		var patterns []string
		for range 1 + random.IntN(5) {
			var parts []string
			for range 1 + random.IntN(3) {
				parts = append(parts, pick("a", "b", "c", "a.b", ".x", "*", "**", "?", "a*", "*.b", "[ab]", `\[d\]`, "[^a]"))
			}
			patterns = append(patterns, pick("", "", "!", "/", "./")+strings.Join(parts, "/")+pick("", "", "/", "/**"))
		}
		text := strings.Join(patterns, "\n")
		want := sentByBuildKit(t, dir, text)
		write(t, dir, map[string]string{".dockerignore": text + "\n.dockerignore\n"})
		got := copied(t, dir, "{from: ., to: /t}")
		if len(want) == 0 {
			want = []string{"/t"}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q (-BuildKit +pulpimg):\n%s", patterns, diff)
		}
		if slices.ContainsFunc(patterns, func(p string) bool { return p[0] == '!' }) && len(got) > 1 {
			left++
		}
	}
	if left < rounds/10 {
		t.Errorf("%d of %d rounds have an exception and something left: such a test says little", left, rounds)
	}
}

// sentByBuildKit returns the paths of all files, and of the directories without any, that BuildKit sends of a build context.
func sentByBuildKit(t *testing.T, dir, ignore string) []string {
	t.Helper()
	patterns, err := ignorefile.ReadAll(strings.NewReader(ignore))
	if err != nil {
		t.Fatal(err)
	}
	sent := map[string]bool{} // whether it is a file, or a directory with something in it
	err = fsutil.Walk(context.Background(), dir, &fsutil.FilterOpt{ExcludePatterns: patterns}, func(name string, info fs.FileInfo, err error) error {
		sent[name] = sent[name] || false
		sent[filepath.Dir(name)] = true
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for name, above := range sent {
		if info, err := os.Lstat(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		} else if name != "." && (!info.IsDir() || !above) {
			out = append(out, "/t/"+name)
		}
	}
	slices.Sort(out)
	return out
}
