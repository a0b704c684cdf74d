package schema

import (
	"slices"
	"strings"
)

// rule returns what a rule asks of the object as a whole.
func rule(o *Object, r Rule) *document {
	doc := &document{}
	for _, c := range r.Conditions {
		doc.AnyOf = append(doc.AnyOf, condition(o, c))
	}
	switch r.Kind {
	case ExactlyOne:
		doc.OneOf, doc.AnyOf = doc.AnyOf, nil
	case None:
		doc = &document{Not: doc}
	}
	if r.If != (Condition{}) {
		doc = &document{If: condition(o, r.If), Then: doc}
	}
	doc.Description = plain(r.Description)
	return doc
}

// condition returns a schema for the objects for which a condition is true.
func condition(o *Object, c Condition) *document {
	doc := &document{Required: []string{c.Key}}
	if o.Nullable {
		doc.Type = "object" // conditions on keys alone would accept null
	}
	value := &document{}
	switch c.Is {
	case Set:
		return doc
	case True:
		value.Const = true
	case False:
		value.Const = false
	case NonEmpty:
		at := slices.IndexFunc(o.Keys, func(k Key) bool { return k.Name == c.Key })
		switch o.Keys[at].Type.(type) {
		case List:
			value.MinItems = 1
		case Map:
			value.MinProperties = 1
		default:
			value.MinLength = 1
		}
	default:
		value.Const = strings.TrimPrefix(string(c.Is), wordMark)
	}
	doc.Properties = properties{{c.Key, value}}
	return doc
}
