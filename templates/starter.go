package templates

import _ "embed"

//go:embed pulpimg.yaml.tmpl
var starter string

// Starter returns the spec that `pulpimg init` writes, as a text/template of a family's name.
func Starter() string { return starter }
