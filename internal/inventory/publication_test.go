package inventory_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/internal/inventory"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

func TestNew_publication(t *testing.T) {
	const text = "version: 1\nname: f\nregistries: [a, \"b.example/${{ v }}\"]\ntags: [\"1\", latest]\nimmutable: [\"[0-9]*\"]\n" +
		"variables: {v: {}}\nimages:\n  i: {from: scratch, repository: x, tags: [\"2\"]}\n  j: {from: i}\n"
	at := func(place string, through ...string) inventory.Origin {
		if len(through) > 0 {
			return inventory.Origin{Source: "--set", At: "f.yaml:" + place, Through: through}
		}
		return inventory.Origin{Source: "spec", At: "f.yaml:" + place}
	}
	of := func(by inventory.Source, place string) inventory.Origin {
		return inventory.Origin{Source: by, At: "f.yaml:" + place}
	}
	for _, test := range []struct {
		name       string
		options    family.Options
		registries []inventory.Value
		tags       []inventory.Value
		ownTags    []inventory.Value
		references [][]string
	}{
		{
			"of the spec", family.Options{},
			[]inventory.Value{{"a", at("3:14")}, {"b.example/c", at("3:17", "v")}},
			[]inventory.Value{{"1", at("4:8")}, {"latest", at("4:13")}},
			[]inventory.Value{{"2", at("8:44")}},
			[][]string{{"docker.io/a/x:2", "b.example/c/x:2"}, {"docker.io/a/j:1", "docker.io/a/j:latest", "b.example/c/j:1", "b.example/c/j:latest"}},
		},
		{
			"of flags", family.Options{Registries: []string{"d", "e"}, Tags: []string{"3", "4"}},
			[]inventory.Value{{"d", of("--registry", "3:14")}, {"e", of("--registry", "3:14")}},
			[]inventory.Value{{"3", of("--tag", "4:8")}, {"4", of("--tag", "4:8")}},
			nil,
			[][]string{{"docker.io/d/x:3", "docker.io/d/x:4", "docker.io/e/x:3", "docker.io/e/x:4"}, {"docker.io/d/j:3", "docker.io/d/j:4", "docker.io/e/j:3", "docker.io/e/j:4"}},
		},
		{
			"one of each", family.Options{Registries: []string{"d"}, Tags: []string{"3"}},
			nil, nil, nil, [][]string{nil, nil},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := spec.Parse("f.yaml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			test.options.Variables = map[string]string{"v": "c"}
			f, err := family.Resolve(s, test.options)
			if err != nil {
				t.Fatal(err)
			}
			list := inventory.New(f, flags)
			got := []any{list.Registries, list.Tags, list.Images[0].Tags, [][]string{list.Images[0].References, list.Images[1].References}, list.Immutable, list.Images[0].Repository}
			want := []any{test.registries, test.tags, test.ownTags, test.references, []inventory.Value{{"[0-9]*", at("5:13")}}, &inventory.Value{Value: "x", Origin: at("8:34")}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(list.Registries) > 0 && !cmp.Equal(list.Registry, list.Registries[0]) || list.Images[0].Reference != f.Images[0].Reference {
				t.Errorf("the first are %v and %s", list.Registry, list.Images[0].Reference)
			}
		})
	}
}
