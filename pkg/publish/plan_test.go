package publish

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

func testDigest(letter rune) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%064d", letter)}
}

// testEntry is an entry whose blobs are named by letters; a later letter is a longer blob.
func testEntry(t *testing.T, reference, blobs string, present bool) entry {
	t.Helper()
	tag, err := name.NewTag(reference)
	if err != nil {
		t.Fatal(err)
	}
	e := entry{item: Item{Name: tag.RepositoryStr(), Reference: tag}, present: present}
	for _, letter := range blobs {
		e.artifact.blobs = append(e.artifact.blobs, blob{digest: testDigest(letter), size: int64(letter)})
	}
	return e
}

// sourced gives an entry a source for one of its blobs, which is in some repositories.
func sourced(e entry, letter rune, repositories ...string) entry {
	d := digest.Digest(testDigest(letter).String())
	source := layout.Source{Layers: map[digest.Digest]int64{d: int64(letter)}}
	for _, repository := range repositories {
		source.References = append(source.References, repository+"@"+d.String())
	}
	e.item.Sources = append(e.item.Sources, source)
	return e
}

// describe writes transfers as "item:blob" or "item:blob<repository", with a * after those that upload.
func describe(entries []entry, transfers []transfer) []string {
	var lines []string
	for _, t := range transfers {
		line := fmt.Sprintf("%s:%c", entries[t.item].item.Name, rune(t.blob.size))
		for _, from := range t.from {
			line += "<" + from.RepositoryStr()
		}
		if t.uploads {
			line += "*"
		}
		lines = append(lines, line)
	}
	return lines
}

// A plan uploads each blob once, and mounts it in the other repositories.
func TestMakePlan(t *testing.T) {
	for _, test := range []struct {
		name          string
		entries       []entry
		first, second []string
	}{
		{
			name: "a new family",
			entries: []entry{
				testEntry(t, "one.test/f/base:1", "ab", false),
				testEntry(t, "one.test/f/role:1", "abc", false),
				testEntry(t, "one.test/f/last:1", "abcd", false),
			},
			first:  []string{"f/last:d*", "f/role:c*", "f/base:b*", "f/base:a*"},
			second: []string{"f/last:a<f/base", "f/last:b<f/base", "f/last:c<f/role", "f/role:a<f/base", "f/role:b<f/base"},
		},
		{
			name: "a base that is there",
			entries: []entry{
				testEntry(t, "one.test/f/base:1", "ab", true),
				testEntry(t, "one.test/f/role:1", "abc", false),
			},
			first: []string{"f/role:c*", "f/role:b<f/base", "f/role:a<f/base"},
		},
		{
			name: "a role that is there",
			entries: []entry{
				testEntry(t, "one.test/f/base:1", "ab", false),
				testEntry(t, "one.test/f/role:1", "abc", true),
			},
			first: []string{"f/base:b<f/role", "f/base:a<f/role"},
		},
		{
			name: "one repository",
			entries: []entry{
				testEntry(t, "one.test/f:base", "ab", false),
				testEntry(t, "one.test/f:role", "abc", false),
			},
			first: []string{"f:c*", "f:b*", "f:a*"},
		},
		{
			name: "two registries",
			entries: []entry{
				testEntry(t, "one.test/f/base:1", "a", false),
				testEntry(t, "two.test/f/role:1", "a", false),
			},
			first: []string{"f/base:a*", "f/role:a*"},
		},
		{
			name: "an outer base of the same registry",
			entries: []entry{
				sourced(testEntry(t, "one.test/f/base:1", "ab", false), 'a', "one.test/f/outer", "three.test/outer"),
				testEntry(t, "one.test/f/role:1", "abc", false),
				testEntry(t, "two.test/f/base:1", "a", false),
			},
			first:  []string{"f/role:c*", "f/base:b*", "f/base:a<f/outer", "f/base:a*"},
			second: []string{"f/role:a<f/base", "f/role:b<f/base"},
		},
		{
			name: "an outer base that is at two places of the registry",
			entries: []entry{
				sourced(testEntry(t, "docker.io/f/base:1", "a", false), 'a', "index.docker.io/library/outer", "docker.io/f/copy", "docker.io/f/base"),
			},
			first: []string{"f/base:a<library/outer<f/copy"},
		},
		{
			name: "an outer base whose reference is damaged",
			entries: []entry{
				sourced(testEntry(t, "one.test/f/base:1", "a", false), 'a', "one.test/UPPER"),
			},
			first: []string{"f/base:a*"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := makePlan(test.entries)
			if diff := gocmp.Diff(test.first, describe(test.entries, p.first)); diff != "" {
				t.Errorf("first wave (-want +got):\n%s", diff)
			}
			second := describe(test.entries, p.second)
			slices.SortFunc(second, cmp.Compare[string])
			if diff := gocmp.Diff(test.second, second); diff != "" {
				t.Errorf("second wave (-want +got):\n%s", diff)
			}
		})
	}
}

// A plan expects the bytes of each blob once.
func TestPlan_expected(t *testing.T) {
	p := makePlan([]entry{
		testEntry(t, "one.test/f/base:1", "ab", false),
		testEntry(t, "one.test/f/role:1", "abc", false),
	})
	if got, want := p.expected(), int64('a'+'b'+'c'); got != want {
		t.Errorf("it expects %d bytes, want %d", got, want)
	}
}
