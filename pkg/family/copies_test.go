package family_test

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/tonistiigi/fsutil"
	fscopy "github.com/tonistiigi/fsutil/copy"
	"github.com/tonistiigi/fsutil/types"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// A randomCopy is a random tree, what is to be copied of it, and what is left out.
type randomCopy struct {
	dir             string
	ignore, exclude []string
	from            string
}

// newRandomCopy makes a tree on disk.
func newRandomCopy(t *testing.T, seed uint64) randomCopy {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 2))
	pick := func(words ...string) string { return words[random.IntN(len(words))] }
	c := randomCopy{dir: t.TempDir()}
	for range 14 {
		parts := []string{c.dir}
		for range 1 + random.IntN(4) {
			parts = append(parts, pick("a", "b", "c", "a.b", ".x", "[d]"))
		}
		name := filepath.Join(parts...)
		_ = os.MkdirAll(filepath.Dir(name), 0o755) // there may be a file
		switch random.IntN(8) {
		case 0:
			_ = os.MkdirAll(name, 0o755)
		case 1:
			_ = os.Symlink(pick("a", "b", "c"), name)
		default:
			if _, err := os.Lstat(name); err != nil {
				_ = os.WriteFile(name, nil, 0o600)
			}
		}
	}
	pattern := func() string {
		var parts []string
		for range 1 + random.IntN(3) {
			parts = append(parts, pick("a", "b", "c", "a.b", ".x", "*", "**", "?", "a*", "*.b", "[ab]", `\[d\]`, "[^a]"))
		}
		return strings.Join(parts, "/")
	}
	for range random.IntN(4) {
		c.ignore = append(c.ignore, pick("", "", "!", "/", "./")+pattern()+pick("", "", "/", "/**"))
	}
	for range random.IntN(4) {
		c.exclude = append(c.exclude, pick("", "", "!", "./")+pattern()+pick("", "", "/", "/**"))
	}
	var from []string
	for range 1 + random.IntN(3) {
		from = append(from, pick("a", "b", "c", "a.b", "*", "?", "a*", "*.b", "[abc]", `[[]d]`, "."))
	}
	c.from = strings.Join(from, "/")
	return c
}

// byPulpimg returns what is copied to /t/: files, links with their targets, and directories with nothing in them.
func (c randomCopy) byPulpimg(t *testing.T) ([]string, error) {
	t.Helper()
	write(t, c.dir, map[string]string{".dockerignore": strings.Join(append(c.ignore, ".dockerignore"), "\n")})
	quoted := func(words []string) string { return "['" + strings.Join(words, "', '") + "']" }
	exclude := ""
	if len(c.exclude) > 0 {
		exclude = ", exclude: " + quoted(c.exclude)
	}
	f, err := resolve(t, step("files: {from: '"+c.from+"', to: /t/"+exclude+"}"), family.Options{Dir: c.dir})
	if err != nil {
		return nil, err
	}
	files := f.Images[0].Steps[0].(family.Files).Files
	full := map[string]bool{} // by another source, perhaps
	for _, file := range files {
		for dir := path.Dir(file.Path); dir != "/"; dir = path.Dir(dir) {
			full[dir] = true
		}
	}
	var out []string
	for _, file := range files {
		if !full[file.Path] {
			out = append(out, strings.TrimSuffix(file.Path+" "+file.Target, " "))
		}
	}
	slices.Sort(out)
	return out, nil
}

// byBuildKit returns the same of what BuildKit copies, and how many sources it found. A file that is a source is left out by its name, as
// docker's documentation has it.
func (c randomCopy) byBuildKit(t *testing.T) (out []string, found int, err error) {
	t.Helper()
	sent, to := t.TempDir(), t.TempDir()
	patterns, err := ignorefile.ReadAll(strings.NewReader(strings.Join(append(c.ignore, ".dockerignore"), "\n")))
	if err != nil {
		t.Fatal(err)
	}
	// A build sends no more than what its COPYs seem to need, and fails when a pattern finds a symbolic link to anything else. Here it sends all.
	filter := &fsutil.FilterOpt{ExcludePatterns: patterns}
	err = fsutil.Walk(t.Context(), c.dir, filter, func(name string, info fs.FileInfo, err error) error {
		name = filepath.Join(sent, name)
		switch {
		case err != nil:
			return err
		case info.IsDir():
			return os.Mkdir(name, 0o755)
		case info.Mode()&fs.ModeSymlink != 0:
			return os.Symlink(info.Sys().(*types.Stat).Linkname, name)
		}
		return os.WriteFile(name, nil, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	sources, err := fscopy.ResolveWildcards(sent, "/"+c.from, true)
	if err != nil {
		return nil, 0, err
	}
	excluded, err := patternmatcher.New(c.exclude)
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range sources {
		info, err := os.Stat(filepath.Join(sent, source))
		if err != nil {
			return nil, found, err
		}
		if !info.IsDir() {
			if matches, err := excluded.MatchesOrParentMatches(path.Base(source)); err != nil || matches {
				continue
			}
		}
		err = fscopy.Copy(t.Context(), sent, source, to, "/t/", func(info *fscopy.CopyInfo) {
			info.CopyDirContents, info.FollowLinks, info.ExcludePatterns = true, true, c.exclude
		})
		if err != nil {
			return nil, found, err
		}
		found++
	}
	return leaves(t, to), found, nil
}

// leaves returns the files and links of a directory, and the directories with nothing in them.
func leaves(t *testing.T, dir string) []string {
	t.Helper()
	full := map[string]bool{}
	var names []string
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if name != dir && err == nil {
			full[filepath.Dir(name)] = true
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, name := range names {
		target, _ := os.Readlink(name) // empty for what is no link
		if !full[name] {
			out = append(out, strings.TrimSuffix(strings.TrimPrefix(name, dir)+" "+target, " "))
		}
	}
	slices.Sort(out)
	return out
}

// check compares the two, and reports whether files were copied by both.
func (c randomCopy) check(t *testing.T) bool {
	t.Helper()
	got, err := c.byPulpimg(t)
	want, found, wantErr := c.byBuildKit(t)
	switch {
	case err != nil && strings.Contains(err.Error(), "this step puts") && found > 1:
		return false // of two sources with the same names, the last one wins in BuildKit
	case err != nil && (wantErr != nil || found == 0):
		return false
	case err != nil || wantErr != nil || found == 0:
		t.Errorf("%+v: %v, and BuildKit found %d sources and said %v", c, err, found, wantErr)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%+v (-BuildKit +pulpimg):\n%s", c, diff)
	}
	return true
}

// A copy takes of a random tree what a COPY takes.
func TestFiles_likeCOPY(t *testing.T) {
	const rounds = 400
	copied := 0
	for seed := range uint64(rounds) {
		if newRandomCopy(t, seed).check(t) {
			copied++
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	if copied < rounds/4 {
		t.Errorf("%d of %d rounds copy something: such a test says little", copied, rounds)
	}
}

// FuzzFiles looks for a tree of which a copy takes something else than a COPY.
func FuzzFiles(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { newRandomCopy(t, seed).check(t) })
}
