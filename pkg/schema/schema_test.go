package schema_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/schema"
)

var update = flag.Bool("update", false, "write the schema in docs/ anew")

const file = "../../docs/pulpimg.schema.json"

func TestTheSchemaInDocsIsTheOneThatIsMade(t *testing.T) {
	got := made(t)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/pulpimg.schema.json is stale (-there +made; go test ./pkg/schema -update writes it anew):\n%s", diff)
	}
}

func TestTheSchemaIsTheSameEachTime(t *testing.T) {
	first := made(t)
	for range 10 {
		if again := made(t); !bytes.Equal(first, again) {
			t.Fatalf("(-first +again):\n%s", cmp.Diff(string(first), string(again)))
		}
	}
}

// An editor shows what it finds beside a key.
func TestEveryKeyInTheSchemaHasADescriptionATypeAndAnExample(t *testing.T) {
	type part struct {
		Description string
		Properties  map[string]map[string]any
		Definitions map[string]*part `json:"$defs"`
	}
	var root part
	if err := json.Unmarshal(made(t), &root); err != nil {
		t.Fatal(err)
	}
	keys := 0
	check := func(name string, p *part) {
		for key, value := range p.Properties {
			keys++
			if value["description"] == nil || value["examples"] == nil {
				t.Errorf("%s of %s has no description or no example", key, name)
			}
			if value["$ref"] == nil && value["type"] == nil && value["anyOf"] == nil {
				t.Errorf("%s of %s has no type", key, name)
			}
		}
	}
	check("the spec", &root)
	for name, p := range root.Definitions {
		check(name, p)
	}
	if keys == 0 {
		t.Error("there are no keys")
	}
}

func made(t *testing.T) []byte {
	t.Helper()
	data, err := schema.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return data
}
