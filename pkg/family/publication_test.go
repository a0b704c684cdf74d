package family_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// published is a spec of several registries and tags.
func published(registries, tags, rest string) string {
	return "version: 1\nname: f\nregistries: " + registries + "\ntags: " + tags + "\n" + rest
}

func TestResolve_severalReferences(t *testing.T) {
	const variants = "images:\n  base: {from: scratch}\n" +
		"  old: {from: base, repository: x/app, tags: [\"${{ v }}-old\", old]}\n  new: {from: base, repository: x/app}\n" +
		"  own: {from: base, publish: false}\nvariables: {v: {default: \"3\"}}\n"
	text := published("[docker.io/f, \"r.example/${{ v }}\"]", "[\"${{ v }}.1\", latest]", variants)
	for _, test := range []struct {
		name    string
		options family.Options
		want    map[string][]string
	}{
		{"as the spec says", family.Options{}, map[string][]string{
			"base": {"docker.io/f/base:3.1", "docker.io/f/base:latest", "r.example/3/base:3.1", "r.example/3/base:latest"},
			"old":  {"docker.io/f/x/app:3-old", "docker.io/f/x/app:old", "r.example/3/x/app:3-old", "r.example/3/x/app:old"},
			"new":  {"docker.io/f/x/app:3.1", "docker.io/f/x/app:latest", "r.example/3/x/app:3.1", "r.example/3/x/app:latest"},
			"own":  nil,
		}},
		{"in other registries", family.Options{Registries: []string{"a", "b.example"}}, map[string][]string{
			"base": {"docker.io/a/base:3.1", "docker.io/a/base:latest", "b.example/base:3.1", "b.example/base:latest"},
			"old":  {"docker.io/a/x/app:3-old", "docker.io/a/x/app:old", "b.example/x/app:3-old", "b.example/x/app:old"},
			"new":  {"docker.io/a/x/app:3.1", "docker.io/a/x/app:latest", "b.example/x/app:3.1", "b.example/x/app:latest"},
			"own":  nil,
		}},
		{"one variant under another tag", family.Options{Tags: []string{"test"}, Registries: []string{"a"}, Images: []string{"old"}}, map[string][]string{
			"base": {"docker.io/a/base:test"},
			"old":  {"docker.io/a/x/app:test"},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := mustResolve(t, text, test.options)
			got := map[string][]string{}
			for _, image := range f.Images {
				got[image.Name] = image.References
				if len(image.References) > 0 && image.Reference != image.References[0] {
					t.Errorf("the reference of %s is %s", image.Name, image.Reference)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	own, _ := mustResolve(t, text, family.Options{}).Image("own")
	if own.Reference != "localhost/f/own:3.1" {
		t.Errorf("an image that is not published is called %s", own.Reference)
	}
}

func TestResolve_publicationErrors(t *testing.T) {
	const shared = "images:\n  a: {from: scratch, repository: r, tags: [x]}\n  b: {from: scratch, repository: r}\n  r: {from: scratch, tags: [y]}\n"
	for _, test := range []struct {
		name, yaml string
		options    family.Options
		want       string
	}{
		{"a tag twice", published("[r]", `["1", a, "1"]`, images), family.Options{}, `f.yaml:4:16: tag: "1" is there twice (leave one of them out)`},
		{"a tag that a variable makes the same", published("[r]", `["1", "${{ v }}"]`, "variables: {v: {default: \"1\"}}\n"+images), family.Options{},
			`f.yaml:4:13: tag: "1" is there twice (leave one of them out)`},
		{"a registry twice", published("[docker.io/r, q, index.docker.io/r]", "[a]", images), family.Options{},
			`f.yaml:3:30: registry: "index.docker.io/r" is the same as "docker.io/r" (leave one of them out)`},
		{"a registry twice, by its short name", published("[r, docker.io/r]", "[a]", images), family.Options{},
			`f.yaml:3:17: registry: "docker.io/r" is the same as "r" (leave one of them out)`},
		{"a registry that is none", published("[r, \"https://q\"]", "[a]", images), family.Options{},
			`f.yaml:3:17: registry: "https://q" is not a registry and a path that images can be published under (leave out https://)`},
		{"an empty tag", published("[r]", `[""]`, images), family.Options{},
			`f.yaml:4:8: tag: "" is no tag (use letters, digits, '_', '.' and '-', 128 of them at most, and begin with no '.' or '-')`},
		{"a tag of an image that is none", head + "images: {a: {from: scratch, tags: [b/c]}}\n", family.Options{},
			`f.yaml:5:36: tag: "b/c" is no tag (use letters, digits, '_', '.' and '-', 128 of them at most, and begin with no '.' or '-')`},
		{"a repository with a tag", head + "images: {a: {from: scratch, repository: \"b:1\"}}\n", family.Options{},
			`f.yaml:5:41: "b:1" is no name for a repository (the registry comes from the family; use small letters and digits, '-', '_' or '.' between them, and '/' between parts)`},
		{"two images under one reference", head + "images:\n  a: {from: scratch}\n  b: {from: scratch, repository: a}\n", family.Options{},
			`f.yaml:7:34: a and b would both be published as r.example/f/a:1 (give one of them other tags, or another repository)`},
		{"two images under one reference, of which the first has the repository", head + "images:\n  a: {from: scratch, repository: b}\n  b: {from: scratch}\n", family.Options{},
			`f.yaml:6:34: a and b would both be published as r.example/f/b:1 (give one of them other tags, or another repository)`},
		{"variants that lose their tags", head + shared, family.Options{Tags: []string{"t"}}, `f.yaml:6:34: override of tag: a and r would both be published as r.example/f/r:t: it takes the place of their own tags (publish one of them at a time)
f.yaml:7:34: override of tag: a and b would both be published as r.example/f/r:t: it takes the place of their own tags (publish one of them at a time)`},
		{"a given tag twice", head + images, family.Options{Tags: []string{"t", "t"}}, `f.yaml:4:6: override of tag: "t" is there twice (leave one of them out)`},
		{"a given registry twice", head + images, family.Options{Registries: []string{"t", "docker.io/t"}},
			`f.yaml:3:11: override of registry: "docker.io/t" is the same as "t" (leave one of them out)`},
		{"a pattern that is none", head + "immutable: [\"1.*\", \"[0-9\"]\n" + images, family.Options{},
			`f.yaml:5:20: immutable: "[0-9" is no pattern: syntax error in pattern (such as "[0-9]*.[0-9]*"; for the characters themselves, write \[ and \\)`},
		{"a pattern that ends too early", head + "immutable: ['1\\']\n" + images, family.Options{},
			`f.yaml:5:13: immutable: "1\\" is no pattern: syntax error in pattern (such as "[0-9]*.[0-9]*"; for the characters themselves, write \[ and \\)`},
		{"a pattern for a path", head + "immutable: [\"app/1*\"]\n" + images, family.Options{},
			`f.yaml:5:13: immutable: "app/1*" matches no tag, because no tag has a slash (a pattern is for the tag alone)`},
		{"a pattern for nothing", head + "immutable: [\"\"]\n" + images, family.Options{}, `f.yaml:5:13: a pattern of immutable tags is empty`},
		{"more references than anybody needs", published("["+many("r", 200)+"]", "["+many("t", 2000)+"]", images), family.Options{},
			`f.yaml:5:10: with all variables, aliases and what images inherit written out, the spec has more than 16 MiB of text (use fewer or shorter variables, aliases and defaults)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := resolve(t, test.yaml, test.options)
			if err == nil || err.Error() != test.want {
				t.Errorf("got\n%v\nwant\n%s", err, test.want)
			}
		})
	}
}

// many is a list of different names.
func many(prefix string, n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = prefix + strings.Repeat("x", i%60) + string(rune('a'+i/60%26)) + string(rune('a'+i/1560))
	}
	return strings.Join(names, ", ")
}

// What is overridden needs no values of variables, those that images say of their own included.
func TestResolve_overriddenReferencesNeedNoVariables(t *testing.T) {
	text := published(`["${{ r }}"]`, `["${{ t }}"]`, "variables: {r: {}, t: {}}\nimages: {a: {from: scratch, tags: [\"${{ t }}-a\"]}}\n")
	f := mustResolve(t, text, family.Options{Registries: []string{"r.example"}, Tags: []string{"1"}})
	if got := f.Images[0].References; !cmp.Equal(got, []string{"r.example/a:1"}) {
		t.Errorf("got %q", got)
	}
	_, err := resolve(t, text, family.Options{Registries: []string{"r.example"}})
	if err == nil || !strings.Contains(err.Error(), "the variable t has no value") {
		t.Errorf("the error is %v", err)
	}
}
