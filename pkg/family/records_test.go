package family_test

import (
	"path/filepath"
	"testing"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/pkg/family"
)

const recordsVariables = "variables: {team: {default: t}, empty: {default: \"\"}}\n"

func TestResolve_records(t *testing.T) {
	for _, test := range []struct {
		name, line, repository string
		none                   bool
	}{
		{"left out", "", "", false},
		{"none", "records: none\n", "", true},
		{"a repository", "records: r.example:5000/team/records\n", "r.example:5000/team/records", false},
		{"of docker.io", "records: team/records\n", "docker.io/team/records", false},
		{"a variable", "records: \"r.example/${{ team }}/records\"\n", "r.example/t/records", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, options := range []family.Options{{}, {Registries: []string{"other.example"}}} {
				got := mustResolve(t, head+test.line+recordsVariables+images, options).Records
				if got.Repository() != test.repository || got.None() != test.none {
					t.Errorf("%v: got %q, none: %v", options.Registries, got.Repository(), got.None())
				}
			}
		})
	}
}

func TestResolve_recordsErrors(t *testing.T) {
	const form = `write a repository such as "registry.example.com/team/records", or "none"`
	for _, test := range []struct{ name, value, shown, hint string }{
		{"uppercase", "r.example/Records", "r.example/Records", form},
		{"a tag", "r.example/a:1", "r.example/a:1", "leave out the tag and the digest"},
		{"a digest", "r.example/a@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
			"r.example/a@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "leave out the tag and the digest"},
		{"a scheme", "https://r.example/a", "https://r.example/a", "leave out https://"},
		{"a host alone", "r.example", "r.example", form},
		{"a word", "None", "None", form},
		{"empty by a variable", "${{ empty }}", "", form},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := resolve(t, head+"records: \""+test.value+"\"\n"+recordsVariables+images, family.Options{})
			checkErrors(t, err, `f.yaml:5:10: records: "`+test.shown+`" is not a repository that records can be kept in (`+test.hint+`)`)
		})
	}
}

func TestLoad_recordsAreInherited(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"base.yaml":  head + "records: r.example/a\n" + images,
		"same.yaml":  "version: 1\nextends: base.yaml\nname: g\n",
		"other.yaml": "version: 1\nextends: base.yaml\nrecords: none\n",
		"null.yaml":  "version: 1\nextends: base.yaml\nrecords: null\n",
	})
	for name, want := range map[string]family.Records{"same.yaml": "r.example/a", "other.yaml": "none", "null.yaml": ""} {
		if got := familytest.Load(t, filepath.Join(dir, name)).Records; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
