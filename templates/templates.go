// Package templates holds the templates of what pulpimg generates, for text/template.
package templates

import _ "embed"

//go:embed Dockerfile.tmpl
var dockerfile string

//go:embed docker-bake.hcl.tmpl
var bake string

//go:embed build.sh.tmpl
var buildScript string

// Dockerfile returns the template of an image's Dockerfile.
func Dockerfile() string { return dockerfile }

// Bake returns the template of docker-bake.hcl.
func Bake() string { return bake }

// BuildScript returns the template of build.sh.
func BuildScript() string { return buildScript }
