// Package language describes version 1 of the language of specs: which keys there are, what each means, what its value looks like, what it
// is when it is left out, and an example.
//
// It is the one place where this is said. The JSON Schema (package schema) and docs/reference.md are made from it, and package family
// takes from it the forms that names have. Package spec reads specs by code of its own, because
// it has more to say than yes or no; tests hold the two together: every key that the reader knows is described here and the other way
// round (pkg/spec), and the reader and the schema accept the same specs (test/schema).
//
// It describes. It reads nothing, and knows nothing of what a family is.
package language
