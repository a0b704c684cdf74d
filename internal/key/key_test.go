package key_test

import (
	"fmt"
	"io/fs"
	"slices"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/key"
)

// below and other are keys of images.
var below, other = digest.FromString("below"), digest.FromString("other")

// command returns a command that says something of everything.
func command() key.Command {
	return key.Command{
		Script: "make", Args: []string{"a", "b"}, Env: []string{"A=1", "B=2"}, Dir: "/src", User: "builder", Secrets: []string{"s", "t"},
		Mounts: []key.Mount{
			{Path: "/m", Image: other, From: "/usr", Files: files()},
			{Path: "/tmp"},
		},
	}
}

// files returns files that say something of everything.
func files() []key.File {
	return []key.File{
		{Path: "/a", Mode: 0o644, Owner: "app", SHA256: []byte("sum of a")},
		{Path: "/b", Mode: fs.ModeSymlink | 0o777, Target: "a"},
	}
}

func copies() []key.Copy {
	return []key.Copy{{Image: other, From: "/out", To: "/usr", Mode: 0o755, Owner: "1:2", Exclude: []string{"*.a", "*.b"}}}
}

func directories() []key.Directory {
	return []key.Directory{{Path: "/var/a", Mode: 0o750, Owner: "app"}, {Path: "/var/b"}}
}

// distinct collects keys, and fails when two of different names are equal.
type distinct map[digest.Digest]string

func (d distinct) add(t *testing.T, name string, k digest.Digest) {
	t.Helper()
	if err := k.Validate(); err != nil {
		t.Errorf("the key of %s: %v", name, err)
	}
	if before, ok := d[k]; ok {
		t.Errorf("%s has the key of %s", name, before)
	}
	d[k] = name
}

// Whatever is different about a step, it has another key, and so it has when it says the same in another place.
func TestKeys_everyFieldCounts(t *testing.T) {
	seen := distinct{}
	seen.add(t, "a command", command().Digest(below))
	seen.add(t, "a command on something else", command().Digest(other))
	for name, change := range map[string]func(*key.Command){
		"script":            func(c *key.Command) { c.Script = "make all" },
		"no script":         func(c *key.Command) { c.Script = "" },
		"words":             func(c *key.Command) { c.Args = []string{"a", "c"} },
		"order of words":    func(c *key.Command) { c.Args = []string{"b", "a"} },
		"one word":          func(c *key.Command) { c.Args = []string{"ab"} },
		"script as a word":  func(c *key.Command) { c.Script, c.Args = "", []string{"make", "a", "b"} },
		"value":             func(c *key.Command) { c.Env = []string{"A=1", "B=3"} },
		"name of a value":   func(c *key.Command) { c.Env = []string{"A=1", "C=2"} },
		"empty value":       func(c *key.Command) { c.Env = []string{"A=1", "B="} },
		"one value less":    func(c *key.Command) { c.Env = c.Env[:1] },
		"directory":         func(c *key.Command) { c.Dir = "/" },
		"user":              func(c *key.Command) { c.User = "" },
		"directory as user": func(c *key.Command) { c.Dir, c.User = c.User, c.Dir },
		"secret":            func(c *key.Command) { c.Secrets = []string{"s", "u"} },
		"no secrets":        func(c *key.Command) { c.Secrets = nil },
		"network":           func(c *key.Command) { c.NoNetwork = true },
		"no mounts":         func(c *key.Command) { c.Mounts = nil },
		"one mount less":    func(c *key.Command) { c.Mounts = c.Mounts[:1] },
		"order of mounts":   func(c *key.Command) { slices.Reverse(c.Mounts) },
		"place of a mount":  func(c *key.Command) { c.Mounts[0].Path = "/n" },
		"mounted image":     func(c *key.Command) { c.Mounts[0].Image = below },
		"mounted path":      func(c *key.Command) { c.Mounts[0].From = "/" },
		"mounted file":      func(c *key.Command) { c.Mounts[0].Files[0].SHA256 = []byte("sum of b") },
	} {
		c := command()
		change(&c)
		seen.add(t, "a command with another "+name, c.Digest(below))
	}

	seen.add(t, "files", key.Files(below, files(), copies()))
	seen.add(t, "files on something else", key.Files(other, files(), copies()))
	for name, change := range map[string]func([]key.File){
		"path":        func(f []key.File) { f[0].Path = "/aa" },
		"mode":        func(f []key.File) { f[0].Mode = 0o755 },
		"set-id bit":  func(f []key.File) { f[0].Mode |= fs.ModeSetuid },
		"set-gid bit": func(f []key.File) { f[0].Mode |= fs.ModeSetgid },
		"sticky bit":  func(f []key.File) { f[0].Mode |= fs.ModeSticky },
		"type":        func(f []key.File) { f[0].Mode |= fs.ModeDir },
		"owner":       func(f []key.File) { f[0].Owner = "app:app" },
		"no owner":    func(f []key.File) { f[0].Owner = "" },
		"target":      func(f []key.File) { f[1].Target = "/a" },
		"content":     func(f []key.File) { f[0].SHA256 = []byte("sum of b") },
		"no content":  func(f []key.File) { f[0].SHA256 = nil },
	} {
		changed := files()
		change(changed)
		seen.add(t, "files with another "+name, key.Files(below, changed, copies()))
	}
	for name, change := range map[string]func(*key.Copy){
		"image":       func(c *key.Copy) { c.Image = below },
		"from":        func(c *key.Copy) { c.From = "/out2" },
		"to":          func(c *key.Copy) { c.To = "/usr2" },
		"place":       func(c *key.Copy) { c.From, c.To = c.To, c.From },
		"into":        func(c *key.Copy) { c.Into = true },
		"mode":        func(c *key.Copy) { c.Mode = 0 },
		"owner":       func(c *key.Copy) { c.Owner = "" },
		"exclude":     func(c *key.Copy) { c.Exclude = []string{"*.a"} },
		"one exclude": func(c *key.Copy) { c.Exclude = []string{"*.a*.b"} },
		// The last pattern of a .dockerignore that fits counts, so their order does.
		"order of exclude": func(c *key.Copy) { slices.Reverse(c.Exclude) },
	} {
		changed := copies()
		change(&changed[0])
		seen.add(t, "a copy with another "+name, key.Files(below, files(), changed))
	}
	seen.add(t, "no files", key.Files(below, nil, nil))
	seen.add(t, "files without copies", key.Files(below, files(), nil))
	seen.add(t, "copies alone", key.Files(below, nil, copies()))
	seen.add(t, "a copy twice", key.Files(below, files(), append(copies(), copies()...)))

	seen.add(t, "directories", key.Directories(below, directories()))
	seen.add(t, "directories on something else", key.Directories(other, directories()))
	for name, change := range map[string]func([]key.Directory){
		"path":  func(d []key.Directory) { d[0].Path = "/var/c" },
		"mode":  func(d []key.Directory) { d[0].Mode = 0 },
		"owner": func(d []key.Directory) { d[0].Owner = "" },
		"order": slices.Reverse[[]key.Directory],
	} {
		changed := directories()
		change(changed)
		seen.add(t, "directories with another "+name, key.Directories(below, changed))
	}
	seen.add(t, "no directories", key.Directories(below, nil))
	seen.add(t, "a base", key.Base(below))
	seen.add(t, "another base", key.Base(other))
	seen.add(t, "nothing", key.Empty("linux/amd64"))
	seen.add(t, "nothing for another platform", key.Empty("linux/arm64"))
	seen.add(t, "nothing for a platform that looks like a base", key.Empty(string(below)))
	seen.add(t, "a layer", key.Layer(below, time.Unix(0, 0)))
	seen.add(t, "a layer of another time", key.Layer(below, time.Unix(1, 0)))
	seen.add(t, "another layer", key.Layer(other, time.Unix(0, 0)))
	seen.add(t, "a check", key.Has(below, [][]string{{"/a", "/b"}, {"/c"}}))
	seen.add(t, "a check of another image", key.Has(other, [][]string{{"/a", "/b"}, {"/c"}}))
	seen.add(t, "a check of other needs", key.Has(below, [][]string{{"/a"}, {"/b", "/c"}}))
	seen.add(t, "a check of one need", key.Has(below, [][]string{{"/a", "/b", "/c"}}))
	seen.add(t, "a check of nothing", key.Has(below, nil))
	seen.add(t, "a run", key.Run(below, other))
	seen.add(t, "a run the other way round", key.Run(other, below))
	seen.add(t, "two things together", key.Together(below, other))
	seen.add(t, "two things the other way round", key.Together(other, below))
	seen.add(t, "three things together", key.Together(below, other, other))
	seen.add(t, "two things together, and another", key.Together(key.Together(below, other), other))
}

// Values that look like several, or like those of another field, are not taken for them.
func TestKeys_valuesHaveEnds(t *testing.T) {
	seen := distinct{}
	words := [][]string{nil, {""}, {"", ""}, {"a", "b"}, {"ab"}, {"a,1:b"}, {"1:a,1:b,"}, {"2", "a", "b"}, {"a", "b", "0"}, {"a\x00b"}, {"a\nb"}, {"ä"}}
	for _, w := range words {
		name := fmt.Sprintf("%q", w)
		seen.add(t, "words "+name, key.Command{Args: w}.Digest(below))
		if len(w) == 0 || w[0] == "" {
			continue // without a value, there is nothing to mistake
		}
		seen.add(t, "variables "+name, key.Command{Env: w}.Digest(below))
		seen.add(t, "secrets "+name, key.Command{Secrets: w}.Digest(below))
		seen.add(t, "a script "+name, key.Command{Script: w[0] + fmt.Sprint(len(w))}.Digest(below))
		seen.add(t, "needs "+name, key.Has(below, [][]string{w}))
		seen.add(t, "excludes "+name, key.Files(below, nil, []key.Copy{{Exclude: w}}))
	}
}

// What makes no difference for a step makes none for its key.
func TestKeys_whatMakesNoDifference(t *testing.T) {
	reversed := files()
	slices.Reverse(reversed)
	shadowed, sorted, spare := command(), command(), command()
	shadowed.Env = []string{"A=0", "B=2", "A=1"}
	sorted.Env, sorted.Secrets = []string{"B=2", "A=1"}, []string{"t", "s"}
	spare.Mounts[0].Files = reversed
	dir := func(m fs.FileMode) digest.Digest {
		return key.Files(below, []key.File{{Path: "/d", Mode: fs.ModeDir | m}}, nil)
	}
	zone := time.FixedZone("elsewhere", 3600)
	for _, test := range []struct {
		name string
		a, b digest.Digest
	}{
		{"the order of files", key.Files(below, files(), copies()), key.Files(below, reversed, copies())},
		{"a value that another one replaces", command().Digest(below), shadowed.Digest(below)},
		{"the order of variables and secrets", command().Digest(below), sorted.Digest(below)},
		{"the order of mounted files", command().Digest(below), spare.Digest(below)},
		{"bits that no tar archive has", dir(0o755), dir(0o755 | fs.ModeAppend)},
		{"the time zone", key.Layer(below, time.Unix(0, 0).UTC()), key.Layer(below, time.Unix(0, 0).In(zone))},
		{"one thing together", below, key.Together(below)},
	} {
		if test.a != test.b {
			t.Errorf("%s makes another key", test.name)
		}
	}
}

// A key is not computed at the expense of what it is computed from.
func TestKeys_leaveTheirValuesAlone(t *testing.T) {
	c, in := command(), files()
	slices.Reverse(in)
	c.Secrets = []string{"t", "s"}
	before := fmt.Sprintf("%+v %+v", c, in)
	c.Digest(below)
	key.Files(below, in, nil)
	if after := fmt.Sprintf("%+v %+v", c, in); after != before {
		t.Errorf("it was %s\nand is  %s", before, after)
	}
}
