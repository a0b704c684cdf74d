package spec

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// Values are what a file gives variables of specs.
type Values struct {
	// Filename is the name of the file as the user gave it.
	Filename string
	// Variables are the variables of the file with their values, in its order.
	Variables []Named[Text]
}

// LoadValues reads values of variables from a file: a YAML mapping of names to strings, which may be empty. An error about the content is an
// [Errors].
func LoadValues(name string) (*Values, error) {
	data, err := readFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading values of variables: %w", err)
	}
	return parseValues(name, data)
}

func parseValues(name string, data []byte) (*Values, error) {
	report := NewReport(name)
	values := &Values{Filename: name}
	if root := parseYAML(data, report, "move its values into the first"); root != nil {
		checkSize(root, report)
		r := newReader(report)
		r.mark(root, &source{lines: runes(data)})
		r.values(root, &values.Variables)
	}
	if err := report.Err(); err != nil {
		return nil, err
	}
	return values, nil
}

// values reads the root of a file of values.
func (r *reader) values(root *yaml.Node, into *[]Named[Text]) {
	if root.Kind != yaml.MappingNode {
		r.report.Add(r.rangeOf(root), "write NAME: value", "a file of values has to be a mapping, not %s", kindOf(root))
		return
	}
	r.namedTexts(into, "the values")(root)
}
