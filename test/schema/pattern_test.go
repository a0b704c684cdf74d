package schema

import (
	"encoding/json"
	"regexp"
	"testing"

	"github.com/dlclark/regexp2"
	"gopkg.in/yaml.v3"

	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// Editors read patterns as ECMA 262 has them, and the validator here as Go does.
// https://json-schema.org/draft/2020-12/json-schema-core#section-6.4
func TestPatterns_ecma(t *testing.T) {
	data, err := schema.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var document any
	if err := json.Unmarshal(data, &document); err != nil {
		t.Fatal(err)
	}
	patterns := map[string]bool{}
	collectPatterns(document, patterns)
	if len(patterns) < 20 {
		t.Errorf("there are %d patterns", len(patterns))
	}
	words := []string{""}
	for _, value := range values {
		var n yaml.Node
		if err := yaml.Unmarshal([]byte(value), &n); err != nil {
			t.Fatal(err)
		}
		if n.Content[0].Kind == yaml.ScalarNode {
			words = append(words, n.Content[0].Value)
		}
	}
	for pattern := range patterns {
		inGo, err := regexp.Compile(pattern)
		if err != nil {
			t.Errorf("Go: %v", err)
			continue
		}
		inECMA, err := regexp2.Compile(pattern, regexp2.ECMAScript|regexp2.Unicode)
		if err != nil {
			t.Errorf("ECMA 262: %v", err)
			continue
		}
		for _, word := range words {
			got, err := inECMA.MatchString(word)
			if err != nil {
				t.Fatal(err)
			}
			if want := inGo.MatchString(word); got != want {
				t.Errorf("%s finds %q: %v in ECMA 262, %v in Go", pattern, word, got, want)
			}
		}
	}
}

// collectPatterns finds the patterns of a schema.
func collectPatterns(value any, into map[string]bool) {
	switch value := value.(type) {
	case map[string]any:
		for key, below := range value {
			if pattern, ok := below.(string); ok && key == "pattern" {
				into[pattern] = true
			}
			collectPatterns(below, into)
		}
	case []any:
		for _, below := range value {
			collectPatterns(below, into)
		}
	}
}
