package schema

import (
	"bytes"
	"encoding/json"
)

// A document is a JSON Schema, or a part of one, in the order in which it is written.
// https://json-schema.org/draft/2020-12/json-schema-validation
type document struct {
	Schema      string   `json:"$schema,omitempty"`
	ID          string   `json:"$id,omitempty"`
	Title       string   `json:"title,omitempty"`
	Description string   `json:"description,omitempty"`
	Ref         string   `json:"$ref,omitempty"`
	Type        any      `json:"type,omitempty"` // a string or a list of them
	Const       any      `json:"const,omitempty"`
	Enum        []string `json:"enum,omitempty"`
	Default     any      `json:"default,omitempty"`
	Examples    []any    `json:"examples,omitempty"`
	Minimum     int      `json:"minimum,omitempty"`
	MinLength   int      `json:"minLength,omitempty"`
	Pattern     string   `json:"pattern,omitempty"`
	// PatternErrorMessage is no part of JSON Schema. Editors show it in place of the pattern.
	// https://code.visualstudio.com/docs/languages/json
	PatternErrorMessage string      `json:"patternErrorMessage,omitempty"`
	MinItems            int         `json:"minItems,omitempty"`
	PrefixItems         []*document `json:"prefixItems,omitempty"`
	Items               *document   `json:"items,omitempty"`
	Required            []string    `json:"required,omitempty"`
	Properties          properties  `json:"properties,omitempty"`
	PatternProperties   properties  `json:"patternProperties,omitempty"`
	PropertyNames       *document   `json:"propertyNames,omitempty"`
	MinProperties       int         `json:"minProperties,omitempty"`
	Additional          any         `json:"additionalProperties,omitempty"`
	AnyOf               []*document `json:"anyOf,omitempty"`
	OneOf               []*document `json:"oneOf,omitempty"`
	AllOf               []*document `json:"allOf,omitempty"`
	Not                 *document   `json:"not,omitempty"`
	If                  *document   `json:"if,omitempty"`
	Then                *document   `json:"then,omitempty"`
	Else                *document   `json:"else,omitempty"`
	Definitions         properties  `json:"$defs,omitempty"`
}

// properties are schemas by name, in an order that people chose.
type properties []property

type property struct {
	name   string
	schema *document
}

// MarshalJSON implements json.Marshaler.
func (p properties) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, one := range p {
		if i > 0 {
			b.WriteByte(',')
		}
		for _, part := range []struct {
			value any
			after string
		}{{one.name, ":"}, {one.schema, ""}} {
			data, err := marshal(part.value)
			if err != nil {
				return nil, err
			}
			b.Write(data)
			b.WriteString(part.after)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// marshal writes JSON with < and > as they are: no browser reads it.
func marshal(value any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
