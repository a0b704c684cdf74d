// Package schema describes version 1 of the language of specs: which keys there are, what each means, what its value looks like, what it is
// when it is left out, and an example. It also makes the JSON Schema (draft 2020-12) of the language, for editors and for programs that
// check a spec before they pass it on.
//
// The description is the only one. The JSON Schema and docs/reference.md are made from it, and package family takes from it the forms that
// names have. Package spec reads specs with code of its own, because it says more than yes or no. Tests hold the two together: every key
// that the reader knows is described here and the other way round (pkg/spec), and the reader and the schema accept the same specs
// (test/schema).
//
// The JSON Schema is not made by reflection over the types of package spec. Those hold what the reader makes of a file: strings with their
// places, mappings as ordered lists, one type for the three package steps, `require` taken apart. A library that reflects over types
// (github.com/invopop/jsonschema) would need exceptions for nearly each of them, and it has no place for the unions, patterns and rules
// between keys that make up most of the schema. What a schema cannot express, such as whether a name is declared, test/schema lists.
//
// The package reads nothing, and knows nothing of what a family is.
package schema
