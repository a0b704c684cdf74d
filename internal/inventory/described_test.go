package inventory_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/internal/inventory"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// listed says which part of the inventory shows which object of a spec.
var listed = map[string]any{
	"spec":                 inventory.Inventory{},
	"environment variable": inventory.Env{},
	"settings":             inventory.Settings{},
	"service":              inventory.Service{},
	"kubernetes":           inventory.Kubernetes{},
	"kubernetes service":   inventory.KubernetesService{},
	"storage":              inventory.Storage{},
	"image":                inventory.Image{},
	"healthcheck":          inventory.Healthcheck{},
	"http check":           inventory.HTTPCheck{},
	"start":                inventory.Start{},
	"require":              inventory.Require{},
	"workload":             inventory.Workload{},
	"disruption budget":    inventory.DisruptionBudget{},
	"resources":            inventory.Resources{},
}

// otherwise are the objects that are shown in another form, and what that is.
var otherwise = map[string]string{
	"variable":  "its value",
	"amounts":   "a list of values with names",
	"step":      "what becomes of it: its kind, and what that does",
	"repo":      "the file that it brings",
	"yum":       "a step of the kind packages",
	"dnf":       "a step of the kind packages",
	"apt":       "a step of the kind packages",
	"apk":       "a step of the kind packages",
	"copy":      "the files that it brings",
	"run":       "a step of the kind run",
	"cache":     "a part of a step of the kind run",
	"mount":     "a part of a step of the kind run",
	"directory": "a step of the kind directory, with the directories as its files",
}

// renamed are the keys that are not shown under their own name, and what shows them.
var renamed = map[string]string{
	"spec.version":                     "nothing: there is one",
	"spec.name":                        "family",
	"image.from":                       "parent or base",
	"image.description":                "nothing: it is for who reads the spec",
	"environment variable.description": "nothing: it is for who reads the spec",
}

func TestInventory_hasEveryKey(t *testing.T) {
	for _, object := range schema.Objects(schema.Spec()) {
		part, ok := listed[object.Name]
		if !ok {
			if otherwise[object.Name] == "" {
				t.Errorf("nothing in the inventory shows the object %q", object.Name)
			}
			continue
		}
		keys := keysOf(part)
		for _, key := range object.Keys {
			if name := object.Name + "." + key.Name; slices.Contains(keys, key.Name) == (renamed[name] != "") {
				t.Errorf("%T has %s: is %s among them, or known to be shown as something else?", part, strings.Join(keys, ", "), name)
			}
		}
	}
}

// keysOf returns the keys that a struct has in JSON.
func keysOf(part any) []string {
	var out []string
	for i := range reflect.TypeOf(part).NumField() {
		name, _, _ := strings.Cut(reflect.TypeOf(part).Field(i).Tag.Get("json"), ",")
		out = append(out, name)
	}
	return out
}
