package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// keys returns all keys of a JSON document by their paths: "images[].digest".
func keys(t *testing.T, text string) []string {
	t.Helper()
	var document any
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	found := map[string]bool{}
	var walk func(at string, value any)
	walk = func(at string, value any) {
		switch value := value.(type) {
		case map[string]any:
			for key, below := range value {
				found[at+"."+key] = true
				walk(at+"."+key, below)
			}
		case []any:
			for _, below := range value {
				walk(at+"[]", below)
			}
		}
	}
	walk("", document)
	return slices.Sorted(maps.Keys(found))
}

// Scripts depend on these keys. More may be added; none of them may go.
func TestFormat_keys(t *testing.T) {
	env.lanes.warm.enter(t)
	spec := specFile(t, filesSpec, filesOfSpec)
	metadata := filepath.Join(t.TempDir(), "metadata.json")
	args := []string{"-f", spec, "--set", "base=" + env.lab.Registry + "/files:1", "--registry", registry(t), "--format", "json"}
	built := warm().build(t, append(args, "--metadata-file", metadata)...).ok(t)
	pushed := warm().run(t, append([]string{"push"}, args...)...).ok(t)
	status := warm().run(t, "engine", "status", "--format", "json").ok(t)
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"build", built.stdout, []string{
			".family", ".images", ".images[].digest", ".images[].image", ".images[].parent", ".images[].platforms",
			".images[].platforms[].digest", ".images[].platforms[].layers", ".images[].platforms[].layers[].digest",
			".images[].platforms[].layers[].size", ".images[].platforms[].platform", ".images[].platforms[].shared", ".images[].reference",
		}},
		{"push", pushed.stdout, []string{
			".images", ".images[].digest", ".images[].image", ".images[].reference", ".images[].sent_bytes", ".images[].tag_moved",
		}},
		{"engine status", status.stdout, []string{
			".buildkit", ".dir", ".disk_usage", ".images", ".images[].builds", ".images[].dir", ".images[].disk_usage", ".images[].last_used",
			".images[].name", ".images[].spec", ".images[].spec_is_gone", ".images_disk_usage", ".kind", ".layers", ".layers.entries",
			".layers.least_recently_used", ".layers_disk_usage", ".total_disk_usage", ".platforms", ".platforms[].architecture", ".platforms[].os", ".runc", ".running",
		}},
	} {
		have := keys(t, c.text)
		missing := slices.DeleteFunc(slices.Clone(c.want), func(key string) bool { return slices.Contains(have, key) })
		if len(missing) > 0 {
			t.Errorf("%s: these keys are gone: %v\n%s", c.name, missing, c.text)
		}
	}
	data, err := os.ReadFile(metadata)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(built.stdout, string(data)); diff != "" {
		t.Errorf("--format json and --metadata-file (-printed +written):\n%s", diff)
	}
}
