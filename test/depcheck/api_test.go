package depcheck

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// notAPI are packages below pkg whose only user is the package above them.
const notAPI = "pkg/engine/bundle"

// parsed calls visit with each file of Go below pkg.
func parsed(t *testing.T, visit func(positions *token.FileSet, name string, file *ast.File)) {
	t.Helper()
	positions := token.NewFileSet()
	sources(t, func(name string) {
		pkg := filepath.ToSlash(filepath.Dir(name))
		if !below(pkg, "pkg") || below(pkg, notAPI) || strings.Contains(name, "testdata") {
			return
		}
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(positions, name, data, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		visit(positions, name, file)
	})
}

func TestAPI_hasExamplesThatRun(t *testing.T) {
	runs := map[string]bool{}
	parsed(t, func(_ *token.FileSet, name string, file *ast.File) {
		pkg := filepath.Dir(name)
		runs[pkg] = runs[pkg] || hasExample(file, name)
	})
	for pkg, has := range runs {
		if !has {
			t.Errorf("%s has no example with an output", pkg)
		}
	}
	if len(runs) < 10 {
		t.Errorf("found only %d packages", len(runs))
	}
}

// hasExample reports whether a file has an example that go test runs: one that says what it prints.
func hasExample(file *ast.File, name string) bool {
	if !strings.HasSuffix(name, "_test.go") {
		return false
	}
	for _, declaration := range file.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if !ok || !strings.HasPrefix(function.Name.Name, "Example") {
			continue
		}
		for _, comment := range file.Comments {
			inside := comment.Pos() > function.Body.Pos() && comment.End() < function.Body.End()
			if inside && strings.HasPrefix(comment.Text(), "Output:") {
				return true
			}
		}
	}
	return false
}

// Who uses a package cannot name the types of internal packages. An alias gives one a name.
func TestAPI_needsNothingInternal(t *testing.T) {
	parsed(t, func(positions *token.FileSet, name string, file *ast.File) {
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		internal := map[string]bool{}
		for _, spec := range file.Imports {
			if path := strings.Trim(spec.Path.Value, `"`); below(path, module+"/internal") {
				internal[path[strings.LastIndexByte(path, '/')+1:]] = true
			}
		}
		for _, part := range api(file) {
			ast.Inspect(part, func(node ast.Node) bool {
				selector, ok := node.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if id, ok := selector.X.(*ast.Ident); ok && internal[id.Name] {
					t.Errorf("%s: the API has %s.%s", positions.Position(selector.Pos()), id.Name, selector.Sel.Name)
				}
				return true
			})
		}
	})
}

// api returns the types that a file shows to other packages: those of functions, methods and fields that are exported.
func api(file *ast.File) []ast.Node {
	var parts []ast.Node
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && (d.Recv == nil || receiver(d).IsExported()) {
				parts = append(parts, d.Type)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if s, ok := spec.(*ast.TypeSpec); ok && s.Name.IsExported() && !s.Assign.IsValid() {
					parts = append(parts, shown(s.Type)...)
				}
			}
		}
	}
	return parts
}

// shown returns what a type shows: of a struct, the exported fields.
func shown(expr ast.Expr) []ast.Node {
	structure, ok := expr.(*ast.StructType)
	if !ok {
		return []ast.Node{expr}
	}
	var parts []ast.Node
	for _, field := range structure.Fields.List {
		exported := len(field.Names) == 0 // it is embedded
		for _, id := range field.Names {
			exported = exported || id.IsExported()
		}
		if exported {
			parts = append(parts, field.Type)
		}
	}
	return parts
}

// receiver returns the name of the type that a method belongs to.
func receiver(method *ast.FuncDecl) *ast.Ident {
	expr := method.Recv.List[0].Type
	for {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.Ident:
			return e
		default:
			return ast.NewIdent("_")
		}
	}
}
