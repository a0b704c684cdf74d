// Package schema makes the JSON Schema (draft 2020-12) of the language of specs, for editors and for programs that check a spec before
// they hand it over.
//
// It is made from the description in package language, not by reflection over the types of package spec. Those hold what the reader makes
// of a file: strings with their places, mappings as ordered lists, one type for the three package steps, `require` taken apart. A library that
// reflects over types (github.com/invopop/jsonschema) would have to be told otherwise for nearly each of them, and it has no place for the
// unions, patterns and rules between keys that make up most of the schema.
//
// What a schema cannot say, such as whether a name is declared, only the reader can; test/schema lists it.
package schema
