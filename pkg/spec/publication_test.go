package spec

import "testing"

func TestParse_publication(t *testing.T) {
	const named = "version: 1\nname: f\n"
	for _, test := range []struct{ name, yaml, want string }{
		{"lists", named + "registries: [a, b]\ntags: [\"1\", latest]\nimmutable: [\"[0-9]*\"]\n" + images, ""},
		{"one of each", named + "registry: a\ntags: [\"1\", latest]\n" + images, ""},
		{"neither", named + images, `f.yaml:1:1: the spec needs the key "registry" (or registries, a list of them)
f.yaml:1:1: the spec needs the key "tag" (or tags, a list of them)`},
		{"both, the list last", named + "registry: a\nregistries: [b]\ntag: b\n" + images,
			`f.yaml:4:13: the spec has the keys "registry" and "registries", which say the same (keep one of them)`},
		{"both, the list first", named + "registry: a\ntags: [b]\ntag: b\n" + images,
			`f.yaml:5:6: the spec has the keys "tag" and "tags", which say the same (keep one of them)`},
		{"empty lists", named + "registries: []\ntags: []\n" + images, "f.yaml:3:13: registries has no item\nf.yaml:4:7: tags has no item"},
		{"nothing", named + "registries:\ntag:\n" + images, "f.yaml:3:12: registries has to be a list, not nothing\nf.yaml:4:5: tag has to be a string, not nothing"},
		{"a list of numbers", named + "registry: a\ntags: [2.21, \"2\"]\n" + images, `f.yaml:4:8: item 1 of tags has to be a string, not the number 2.21 (write "2.21")`},
		{"a string for a list", named + "registry: a\ntags: latest\n" + images, `f.yaml:4:7: tags has to be a list, not "latest" (write tag for a single one)`},
		{"a list for a string", named + "registry: a\ntag: [latest]\n" + images, `f.yaml:4:6: tag has to be a string, not a list (write tags for several)`},
		{"an empty tag", named + "registry: a\ntag: \"\"\n" + images, `f.yaml:4:6: tag of the spec is empty`},
		{"an image", head + "images: {a: {from: scratch, repository: b/c, tags: [d]}}\n", ""},
		{"an image without tags", head + "images: {a: {from: scratch, tags: []}}\n", `f.yaml:5:35: images.a.tags has no item`},
		{"an image with one tag", head + "images: {a: {from: scratch, tag: b}}\n", `f.yaml:5:29: unknown key "tag" in images.a (did you mean "tags"?)`},
		{"an image that is not published", head + "images: {a: {from: scratch, publish: false, repository: b, tags: [c]}}\n",
			"f.yaml:5:57: images.a has publish: false and a repository (keep one of them)\nf.yaml:5:67: images.a has publish: false and tags (keep one of them)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("f.yaml", []byte(test.yaml))
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}
