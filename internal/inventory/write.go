package inventory

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sync"

	"gopkg.in/yaml.v3"
)

// WriteJSON writes the inventory as JSON, indented.
func (i *Inventory) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(i)
}

// shownFiles is how many files of a step are listed for people.
const shownFiles = 10

// forPeople returns the inventory with long lists of files cut short.
func (i *Inventory) forPeople() *Inventory {
	out := *i
	out.Images = slices.Clone(i.Images)
	for at := range out.Images {
		steps := slices.Clone(out.Images[at].Steps)
		for n, step := range steps {
			if more := len(step.Files) - shownFiles; more > 1 { // the line with their number takes the place of one file
				steps[n].Files, steps[n].MoreFiles = step.Files[:shownFiles], more
			}
		}
		out.Images[at].Steps = steps
	}
	return &out
}

// WriteYAML writes the inventory as YAML, for people: with the same keys and values in the same order, but long lists of files are cut short.
func (i *Inventory) WriteYAML(w io.Writer) error {
	var asJSON bytes.Buffer
	if err := i.forPeople().WriteJSON(&asJSON); err != nil {
		return err
	}
	// JSON is YAML in another style.
	var document yaml.Node
	if err := yaml.Unmarshal(asJSON.Bytes(), &document); err != nil {
		return fmt.Errorf("writing YAML: %w", err)
	}
	block(&document)
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	if err := encoder.Encode(&document); err != nil {
		return fmt.Errorf("writing YAML: %w", err)
	}
	return encoder.Close()
}

// truth matches strings that readers of YAML 1.1 take for truth values.
// https://yaml.org/type/bool.html
var truth = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?i:y|yes|n|no|on|off)$`) })

// block gives a node and those below it the style that people write. A mapping for one value or one file stays in one line.
func block(n *yaml.Node) {
	n.Style = 0
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" && truth().MatchString(n.Value) {
		n.Style = yaml.DoubleQuotedStyle
	}
	simple := true
	for _, child := range n.Content {
		block(child)
		simple = simple && (child.Kind == yaml.ScalarNode || has(n, "through") && child.Kind == yaml.SequenceNode)
	}
	if simple && (n.Kind == yaml.SequenceNode || n.Kind == yaml.MappingNode && (has(n, "value") || has(n, "path"))) {
		n.Style = yaml.FlowStyle
	}
}

// has reports whether a mapping has a key.
func has(n *yaml.Node, key string) bool {
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}
