package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

const (
	draft = "https://json-schema.org/draft/2020-12/schema"
	// id is a name, not a place: nothing fetches it.
	id = "https://github.com/pulpimg/pulpimg/docs/pulpimg.schema.json"
	// extension is the pattern of keys that mean nothing, where the language says which keys there are.
	extension = "^x-"
)

// JSON returns the schema of the language, indented; the same bytes each time.
func JSON() ([]byte, error) {
	b := builder{strings: map[string]bool{}}
	root := Spec()
	doc := &document{Schema: draft, ID: id, Title: "A spec of pulpimg", Description: plain(root.Description)}
	for _, o := range Objects(root) {
		b.define(definition(o.Name), b.object(o))
	}
	// What is missing in a file on top of another, the other may have.
	b.onTop = true
	for _, o := range mergeable(root) {
		b.define(b.nameOf(o), b.object(o))
	}
	doc.If = &document{Required: []string{extends}}
	doc.Then = &document{Ref: reference(b.nameOf(root))}
	doc.Else = &document{Ref: reference(definition(root.Name))}
	doc.Definitions = append(b.objects, b.forms...)
	if err := errors.Join(b.errs...); err != nil {
		return nil, err
	}
	data, err := marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("writing the schema: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, data, "", "  "); err != nil {
		return nil, fmt.Errorf("writing the schema: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// A builder makes the parts of the schema and collects what they refer to.
type builder struct {
	objects properties
	forms   properties
	strings map[string]bool // the definitions of strings that are there
	onTop   bool            // the parts are those of a file on top of another
	errs    []error
}

func (b *builder) define(name string, doc *document) {
	b.objects = append(b.objects, property{name, doc})
}

func reference(name string) string { return "#/$defs/" + name }

// nameOf is what the schema calls an object in the file that the builder is at.
func (b *builder) nameOf(o *Object) string {
	if b.onTop {
		return definition(o.Name) + "-on-top"
	}
	return definition(o.Name)
}

// definition is what the schema calls an object.
func definition(name string) string { return strings.ReplaceAll(name, " ", "-") }

func (b *builder) object(o *Object) *document {
	doc := &document{
		Description:       plain(o.Description),
		Type:              "object",
		PatternProperties: properties{{extension, &document{}}},
		Additional:        false,
	}
	if o.Nullable {
		doc.Type = []string{"object", "null"}
	}
	for _, k := range o.Keys {
		if k.Required && (!b.onTop || k.Name == "version") {
			doc.Required = append(doc.Required, k.Name)
		}
		doc.Properties = append(doc.Properties, property{k.Name, b.key(k)})
	}
	for _, r := range o.Rules {
		if b.onTop {
			break // they are about the whole
		}
		doc.AllOf = append(doc.AllOf, rule(o, r))
	}
	return doc
}

func (b *builder) key(k Key) *document {
	doc := b.orNull(k)
	doc.Description = plain(k.Description)
	doc.Default = b.literal(k.Name, k.Default)
	if example := b.literal(k.Name, k.Example); example != nil {
		doc.Examples = []any{example}
	}
	return doc
}

// orNull returns the schema of a key's value. In a file on top, null takes the key away.
func (b *builder) orNull(k Key) *document {
	doc := b.value(k.Type)
	if !b.onTop || k.Name == "version" || k.Name == extends {
		return doc
	}
	return &document{AnyOf: []*document{doc, {Type: "null"}}}
}

// literal returns the value that a piece of YAML stands for, or nil for none.
func (b *builder) literal(key, text string) any {
	if text == "" {
		return nil
	}
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		b.errs = append(b.errs, fmt.Errorf("the description of %s: %w", key, err))
	}
	return value
}

// value returns the schema of a type.
func (b *builder) value(t Type) *document {
	switch t := t.(type) {
	case Version:
		return &document{Type: "integer", Const: 1}
	case String:
		return &document{Ref: reference(b.text(t.Form, t.Scope))}
	case Mode:
		return &document{AnyOf: []*document{{Type: "integer"}, {Ref: reference(b.text(t.Form, AtBuild))}}}
	case Boolean:
		return &document{Type: "boolean"}
	case Count:
		return &document{Type: "integer", Minimum: 1}
	case Duration:
		return &document{Ref: reference(b.duration())}
	case List:
		whole := *b // a list on top replaces the one below
		whole.onTop = false
		doc := &document{Type: "array", Items: whole.value(t.Items)}
		b.forms, b.errs = whole.forms, whole.errs
		if text, ok := t.Items.(String); ok && t.Command {
			doc.PrefixItems = []*document{{Ref: reference(b.text(text.Form, text.Scope)), MinLength: 1}}
		}
		if t.NonEmpty {
			doc.MinItems = 1
		}
		return doc
	case Map:
		return b.mapping(t)
	case OneOf:
		doc := &document{}
		for _, one := range t {
			doc.AnyOf = append(doc.AnyOf, b.value(one))
		}
		return doc
	case *Object:
		return &document{Ref: reference(b.nameOf(t))}
	}
	b.errs = append(b.errs, fmt.Errorf("the schema has no words for a %T", t))
	return &document{}
}

// mapping returns the schema of a mapping whose keys are names of a form.
func (b *builder) mapping(m Map) *document {
	doc := &document{
		Type:          "object",
		Additional:    b.value(m.Values),
		PropertyNames: &document{Pattern: whole(m.Names), PatternErrorMessage: "a name here has to be " + plain(m.Names.Description)},
	}
	if len(m.Reserved) > 0 {
		doc.PropertyNames.Not = &document{Enum: m.Reserved}
	}
	if m.NonEmpty && !b.onTop {
		doc.MinProperties = 1
	}
	if b.onTop {
		doc.Additional = &document{AnyOf: []*document{b.value(m.Values), {Type: "null"}}}
	}
	return doc
}

// plain takes the marks of Markdown out of a text: not every editor shows it as such.
func plain(markdown string) string { return strings.ReplaceAll(markdown, "`", "") }
