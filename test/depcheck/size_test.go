package depcheck

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"testing"
)

// What a reader can hold in mind.
const (
	maxFileLines     = 400
	maxFunctionLines = 60
)

func TestFilesAndFunctions_areShort(t *testing.T) {
	sources(t, func(name string) {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if lines := bytes.Count(data, []byte("\n")); lines > maxFileLines {
			t.Errorf("%s has %d lines, %d are the limit", name, lines, maxFileLines)
		}
		positions := token.NewFileSet()
		file, err := parser.ParseFile(positions, name, data, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			f, ok := declaration.(*ast.FuncDecl)
			if !ok || f.Body == nil || isTable(f) {
				continue
			}
			if lines := positions.Position(f.End()).Line - positions.Position(f.Pos()).Line + 1; lines > maxFunctionLines {
				t.Errorf("%s has %d lines, %d are the limit", positions.Position(f.Pos()), lines, maxFunctionLines)
			}
		}
	})
}

// isTable reports whether a function is a test: most of their lines are rows of a table.
func isTable(f *ast.FuncDecl) bool {
	return f.Recv == nil && len(f.Name.Name) > 4 && f.Name.Name[:4] == "Test"
}
