package schema

import (
	"slices"

	"github.com/pulpimg/pulpimg/pkg/spec/language"
)

// rule returns what a rule asks of the object as a whole.
func rule(o *language.Object, r language.Rule) *document {
	doc := &document{}
	for _, c := range r.Of {
		doc.AnyOf = append(doc.AnyOf, condition(o, c))
	}
	switch r.Kind {
	case language.ExactlyOne:
		doc.OneOf, doc.AnyOf = doc.AnyOf, nil
	case language.None:
		doc = &document{Not: doc}
	}
	if r.If != (language.Condition{}) {
		doc = &document{If: condition(o, r.If), Then: doc}
	}
	doc.Description = plain(r.Says)
	return doc
}

// condition returns a schema for the objects for which a condition holds.
func condition(o *language.Object, c language.Condition) *document {
	doc := &document{Required: []string{c.Key}}
	if o.Nullable {
		doc.Type = "object" // of nothing, every condition on keys holds
	}
	value := &document{}
	switch c.Is {
	case language.Set:
		return doc
	case language.True:
		value.Const = true
	case language.Filled:
		at := slices.IndexFunc(o.Keys, func(k language.Key) bool { return k.Name == c.Key })
		switch o.Keys[at].Type.(type) {
		case language.List:
			value.MinItems = 1
		case language.Map:
			value.MinProperties = 1
		default:
			value.MinLength = 1
		}
	}
	doc.Properties = properties{{c.Key, value}}
	return doc
}
