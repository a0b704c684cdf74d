// Package templates holds the templates of what pulpimg generates.
package templates

import _ "embed"

//go:embed run.sh.tmpl
var runScript string

// RunScript returns the template of /run.sh, for text/template.
func RunScript() string { return runScript }
