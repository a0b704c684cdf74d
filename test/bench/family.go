package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A family is a base and its roles, declared for both tools.
type family struct {
	base   string
	roles  []string
	spec   string // file for pulpimg
	assets string // folder of files that pulpimg takes instead of its built-in ones; may be empty
	bake   string // folder with docker-bake.hcl and a context for each image
}

func (f family) images() []string { return append([]string{f.base}, f.roles...) }

const (
	specFile = "specs/pulp.yaml"
	base     = "pulp-base"
	worker   = "pulp-worker" // the role that large families have many of
)

// pulp is the family of specs/pulp.yaml.
func pulp(dir string) family {
	return family{
		base:  base,
		roles: []string{"pulp-beat", "pulp-resource-manager", worker},
		spec:  specFile,
		bake:  filepath.Join(dir, "pulp"),
	}
}

// manyRoles is the same base with n roles, each like pulp-worker. Its spec is written to dir.
func manyRoles(dir string, n int) (family, error) {
	spec, err := os.ReadFile(specFile)
	if err != nil {
		return family{}, err
	}
	upToRoles, _, ok := strings.Cut(string(spec), "\n  pulp-beat:")
	_, role, ok2 := strings.Cut(string(spec), "\n  "+worker+":")
	if !ok || !ok2 {
		return family{}, fmt.Errorf("%s no longer has pulp-beat as its first role and %s as its last", specFile, worker)
	}
	f := family{base: base, spec: filepath.Join(dir, "many.yaml"), bake: filepath.Join(dir, "many")}
	text := new(strings.Builder)
	text.WriteString(upToRoles)
	for i := range n {
		name := fmt.Sprintf("pulp-role-%03d", i+1)
		f.roles = append(f.roles, name)
		fmt.Fprintf(text, "\n  %s:%s", name, strings.ReplaceAll(role, worker, name))
	}
	return f, os.WriteFile(f.spec, []byte(text.String()), 0o644)
}
