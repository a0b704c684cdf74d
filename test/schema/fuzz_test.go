package schema

import (
	"regexp"
	"slices"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// Whatever is written, the schema refuses nothing that pulpimg accepts; and what only pulpimg refuses is listed in limits.
func FuzzBoth(f *testing.F) {
	for _, archive := range []string{"good.txtar", "bad.txtar", "beyond.txtar"} {
		for name, data := range specs(f, archive) {
			if name != "aliases that make much of it" && name != "an alias that is a part of itself" {
				f.Add(data)
			}
		}
	}
	v := newValidator(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		errs := load(data)
		var n yaml.Node
		if yaml.Unmarshal(data, &n) != nil || unlike(errs) {
			return
		}
		refusal := v.validateNode(&n)
		if len(errs) == 0 && refusal != nil {
			t.Errorf("only the schema refuses it: %v\n%s", refusal, data)
		}
		if len(errs) > 0 && refusal == nil && !beyond(data, errs, map[string]bool{}) {
			t.Errorf("only pulpimg refuses it: %v\n%s", errs, data)
		}
	})
}

// notInJSON finds errors about what is lost when YAML becomes JSON.
var notInJSON = regexp.MustCompile(`aliases of the file|is a part of what|duplicate key|merge keys|the tag .* is not part|a second document|control character|has to be a name, not`)

// unlike reports whether the schema sees another spec than pulpimg does.
func unlike(errs spec.Errors) bool {
	return slices.ContainsFunc(errs, func(c *spec.Error) bool { return notInJSON.MatchString(c.Message) })
}
