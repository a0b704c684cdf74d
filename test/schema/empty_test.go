package schema

import (
	"regexp"
	"slices"
	"testing"

	"gopkg.in/yaml.v3"
)

// Where a string may be empty, because that means something. Everywhere else a string that is written and empty is an error, also when a
// variable made it so: it was meant to be something.
var mayBeEmpty = []string{
	".environment.DB_HOST.default",     // the variable is declared, and a container may leave it empty
	".environment.DB_HOST.description", // text for people
	".images.base.command[]",           // the first argument of the entrypoint
	".images.base.env.LANG",            // an empty variable is not a missing one
	".images.base.labels.org.opencontainers.image.title",
	".images.app.steps[].env.PATH", // as above
	".images.build.steps[].run.env.CGO_ENABLED",
	".images.build.steps[].run.env.GOARCH",
	".images.variant.matrix.flavour[]", // as of other variables
	".kubernetes.services.db.selector.app",
	".labels.org.opencontainers.image.vendor",
	".settings.app.set.database/host", // a setting can be empty
	".images.a.labels.a",
	".images.a.env.LANG",
	".variables.v.default",
	".variables.base.default", // where the variable is used decides
	".variables.base.description",
	".variables.nothing.default",
	".x-anything.goes[]",
}

// argument finds an argument of a program, which can be empty, other than the program itself.
var argument = regexp.MustCompile(`\.(entrypoint|command|init\[\d+\])\[[1-9]\d*\]$`)

// An empty string is refused, except where it means something.
func TestEmptyStrings(t *testing.T) {
	literal, variable := map[string]bool{}, map[string]bool{}
	for _, data := range fullSpecs(t) {
		full := parse(t, data)
		for _, at := range places(full, nil) {
			if n := at.find(full); n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
				continue
			}
			name := at.name(full)
			if argument.MatchString(name) {
				continue
			}
			name = anyItem.ReplaceAllString(name, "[]")
			if emptied(t, full, at, `""`) {
				literal[name] = true
			}
			if emptied(t, full, at, `"${{ empty }}"`) {
				variable[name] = true
			}
		}
	}
	for what, accepted := range map[string]map[string]bool{"written": literal, "by a variable": variable} {
		var got []string
		for name := range accepted {
			got = append(got, name)
		}
		slices.Sort(got)
		for _, name := range got {
			if !slices.Contains(mayBeEmpty, name) {
				t.Errorf("accepted when it is empty, %s: %s", what, name)
			}
		}
		for _, name := range mayBeEmpty {
			if !accepted[name] {
				t.Errorf("refused when it is empty, %s: %s", what, name)
			}
		}
	}
}

// emptied reports whether pulpimg accepts a spec with another string at a place.
func emptied(t *testing.T, full *yaml.Node, at place, value string) bool {
	t.Helper()
	document := clone(full)
	*at.find(document) = *parse(t, []byte(value)).Content[0]
	declare(t, document)
	data, err := yaml.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return len(load(data)) == 0
}

// declare adds the variable empty to a spec.
func declare(t *testing.T, document *yaml.Node) {
	t.Helper()
	empty := parse(t, []byte(`empty: {default: ""}`)).Content[0]
	root := document.Content[0]
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == "variables" && root.Content[i+1].Kind == yaml.MappingNode {
			root.Content[i+1].Content = append(root.Content[i+1].Content, empty.Content...)
			return
		}
	}
	root.Content = append(root.Content, parse(t, []byte("variables: {}")).Content[0].Content[0], empty)
}
