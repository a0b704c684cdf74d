package schema_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/internal/golden"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

const file = "../../../docs/pulpimg.schema.json"

func TestJSON_golden(t *testing.T) {
	golden.Compare(t, file, string(made(t)))
}

func TestJSON_deterministic(t *testing.T) {
	first := made(t)
	for range 10 {
		if again := made(t); !bytes.Equal(first, again) {
			t.Fatalf("(-first +again):\n%s", cmp.Diff(string(first), string(again)))
		}
	}
}

// An editor shows what it finds beside a key.
func TestJSON_keys(t *testing.T) {
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
