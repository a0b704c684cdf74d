package depcheck

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// forTests are the packages whose only users are tests.
var forTests = []string{"internal/familytest", "internal/golden"}

// An exported is an exported identifier of a package and where it is declared. Methods are not among them: interfaces use them unseen.
type exported struct {
	pkg, name string
}

func TestExported_areUsedByCode(t *testing.T) {
	declared := map[exported]token.Position{}
	used := map[exported]bool{}
	positions := token.NewFileSet()
	sources(t, func(name string) {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(positions, name, data, 0)
		if err != nil {
			t.Fatal(err)
		}
		pkg := filepath.ToSlash(filepath.Dir(name))
		example := strings.HasSuffix(name, "example_test.go")
		if strings.HasSuffix(name, "_test.go") && !example {
			return
		}
		if !example && (below(pkg, "pkg") || below(pkg, "internal")) {
			for id := range declarations(file) {
				declared[exported{pkg, id.Name}] = positions.Position(id.Pos())
			}
		}
		for use := range uses(file, pkg) {
			used[use] = true
		}
	})
	for id, at := range declared {
		if !used[id] && !slices.Contains(forTests, id.pkg) {
			t.Errorf("%s: only tests use %s of %s", at, id.name, id.pkg)
		}
	}
}

// declarations returns the exported identifiers that a file declares at its top.
func declarations(file *ast.File) map[*ast.Ident]bool {
	found := map[*ast.Ident]bool{}
	add := func(id *ast.Ident) {
		if id.IsExported() {
			found[id] = true
		}
	}
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				add(d.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					add(s.Name)
				case *ast.ValueSpec:
					for _, id := range s.Names {
						add(id)
					}
				}
			}
		}
	}
	return found
}

// uses returns the exported identifiers that a file uses: of its own package and, behind the names of imports, of others.
func uses(file *ast.File, pkg string) map[exported]bool {
	imported := map[string]string{}
	for _, spec := range file.Imports {
		p := strings.TrimPrefix(strings.Trim(spec.Path.Value, `"`), module+"/")
		name := p[strings.LastIndexByte(p, '/')+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imported[name] = p
	}
	own := declarations(file)
	found := map[exported]bool{}
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.SelectorExpr:
			if id, ok := n.X.(*ast.Ident); ok && imported[id.Name] != "" {
				found[exported{imported[id.Name], n.Sel.Name}] = true
			}
		case *ast.Ident:
			if n.IsExported() && !own[n] {
				found[exported{pkg, n.Name}] = true
			}
		}
		return true
	})
	return found
}
