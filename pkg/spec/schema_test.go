package spec

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// places are specs with each object of the language: %s is its content, in braces.
var places = map[string]string{
	"spec":                 "",
	"variable":             head + "variables: {v: {%s}}\n" + images,
	"environment variable": head + "environment: {v: {%s}}\n" + images,
	"settings":             head + "settings: {s: {%s}}\n" + images,
	"service":              head + "services: {s: {%s}}\n" + images,
	"image":                head + "images: {a: {%s}}\n",
	"healthcheck":          head + "images: {a: {from: scratch, healthcheck: {%s}}}\n",
	"http check":           head + "images: {a: {from: scratch, healthcheck: {http: {%s}}}}\n",
	"start":                head + "images: {a: {from: scratch, start: {%s}}}\n",
	"kubernetes":           head + "kubernetes: {%s}\n" + images,
	"kubernetes service":   head + "kubernetes: {services: {s: {%s}}}\n" + images,
	"storage":              head + "kubernetes: {storage: {%s}}\n" + images,
	"workload":             head + "images: {a: {from: scratch, kubernetes: {%s}}}\n",
	"disruption budget":    head + "images: {a: {from: scratch, kubernetes: {disruptionBudget: {%s}}}}\n",
	"resources":            head + "images: {a: {from: scratch, kubernetes: {resources: {%s}}}}\n",
	"amounts":              head + "images: {a: {from: scratch, kubernetes: {resources: {limits: {%s}}}}}\n",
	"require":              head + "images: {a: {from: scratch, start: {command: [c], require: {%s}}}}\n",
	"step":                 step("{%s}"),
	"repo":                 step("{repo: {%s}}"),
	"yum":                  step("{yum: {%s}}"),
	"dnf":                  step("{dnf: {%s}}"),
	"apt":                  step("{apt: {%s}}"),
	"apk":                  step("{apk: {%s}}"),
	"copy":                 step("{files: {%s}}"),
	"directory":            step("{directory: {%s}}"),
	"run":                  step("{run: {%s}}"),
	"cache":                step("{run: {cache: [{%s}]}}"),
	"mount":                step("{run: {mounts: [{%s}]}}"),
}

// unknown is no key of anything. It is too short to resemble one, so the error about it lists all keys.
const unknown = "0"

var (
	ofUnknown = regexp.MustCompile(`^unknown key "0" in `)
	listed    = regexp.MustCompile(`^there is (.*)$`)
)

// The reader knows exactly the keys that the language describes.
func TestSchema_fitsReader(t *testing.T) {
	for _, o := range schema.Objects(schema.Spec()) {
		t.Run(o.Name, func(t *testing.T) {
			place, ok := places[o.Name]
			if !ok {
				t.Fatalf("the description has %q, and this test has no place for it", o.Name)
			}
			var described []string
			for _, k := range o.Keys {
				described = append(described, k.Name)
			}
			slices.Sort(described)
			yaml := fmt.Sprintf(place, unknown+": a")
			if place == "" {
				yaml = head + images + unknown + ": a\n"
			}
			if got := knownKeys(t, yaml); !slices.Equal(got, described) {
				t.Errorf("the reader knows    %v\nthe description has %v", got, described)
			}
		})
	}
	if len(places) != len(schema.Objects(schema.Spec())) {
		t.Error("this test knows objects that the description does not have")
	}
}

// knownKeys returns the keys that the error about an unknown one lists.
func knownKeys(t *testing.T, yaml string) []string {
	t.Helper()
	_, err := Parse("f.yaml", []byte(yaml))
	var all Errors
	errors.As(err, &all)
	for _, c := range all {
		m := listed.FindStringSubmatch(c.Hint)
		switch {
		case !ofUnknown.MatchString(c.Message):
			continue
		case m == nil:
			t.Fatalf("the error does not list the keys: %v", c)
		}
		return strings.Split(m[1], ", ")
	}
	t.Fatalf("there is no error about an unknown key: %v", err)
	return nil
}
