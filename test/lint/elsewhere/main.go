// Elsewhere type-checks packages for other systems than this one, from source.
//
// go vet would compile all dependencies for each of them first, which takes minutes. What differs between systems in this project is which
// files are compiled, so a mistake there is an undefined name or a wrong type.
//
// Usage: elsewhere SYSTEMS PATTERN...
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"

	"golang.org/x/tools/go/packages"
)

// module begins the paths of our packages. Only their errors count: the functions of others are parsed without bodies.
const module = "github.com/pulpimg/pulpimg/"

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: elsewhere SYSTEMS PATTERN...")
		os.Exit(2)
	}
	failed := false
	for _, system := range strings.Split(os.Args[1], ",") {
		errs, err := check(system, os.Args[2:])
		if err != nil {
			fmt.Fprintf(os.Stderr, "elsewhere: loading packages for %s: %v\n", system, err)
			os.Exit(1)
		}
		for _, e := range errs {
			fmt.Printf("%s: %v\n", system, e)
		}
		failed = failed || len(errs) > 0
	}
	if failed {
		os.Exit(1)
	}
}

// check returns what is wrong with the packages of a system.
func check(system string, patterns []string) ([]packages.Error, error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	loaded, err := packages.Load(&packages.Config{
		Mode: packages.LoadAllSyntax,
		Env:  append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0"),
		ParseFile: func(fset *token.FileSet, name string, src []byte) (*ast.File, error) {
			return parse(fset, name, src, strings.HasPrefix(name, root+"/"))
		},
	}, patterns...)
	if err != nil {
		return nil, err
	}
	var errs []packages.Error
	packages.Visit(loaded, nil, func(p *packages.Package) {
		if strings.HasPrefix(p.PkgPath, module) {
			errs = append(errs, p.Errors...)
		}
	})
	return errs, nil
}

// parse reads a file. The bodies of functions that are not ours are left out: they were checked by others, and take most of the time.
func parse(fset *token.FileSet, name string, src []byte, own bool) (*ast.File, error) {
	file, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
	if file == nil || own {
		return file, err
	}
	for _, declared := range file.Decls {
		if function, ok := declared.(*ast.FuncDecl); ok {
			function.Body = nil
		}
	}
	return file, err
}
