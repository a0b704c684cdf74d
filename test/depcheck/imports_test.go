package depcheck

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sources calls a function with each Go file of the product, by its path in the project. Modules inside it, of tests and of the engine's
// programs, are not part of it.
func sources(t *testing.T, use func(name string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".") && name != root {
				return fs.SkipDir
			}
			if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil && name != root {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) == ".go" {
			relative, err := filepath.Rel(root, name)
			if err != nil {
				return err
			}
			use(filepath.ToSlash(relative))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// imports returns what the code of each package imports, for every system, without its tests. Packages of this project are named by their
// path in it.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string]map[string]bool{}
	sources(t, func(name string) {
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, name), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		pkg := path.Dir(name)
		if found[pkg] == nil {
			found[pkg] = map[string]bool{}
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			found[pkg][strings.TrimPrefix(imported, module+"/")] = true
		}
	})
	out := map[string][]string{}
	for pkg, set := range found {
		out[pkg] = slices.Sorted(maps.Keys(set))
	}
	return out
}

// ours returns those of some imports that are packages of this project.
func ours(imported []string) []string {
	var out []string
	for _, other := range imported {
		if first, _, _ := strings.Cut(other, "/"); slices.Contains(top, first) {
			out = append(out, other)
		}
	}
	return out
}

// top are the directories with the packages of the product.
var top = []string{"assets", "cmd", "internal", "pkg", "templates"}

func TestImports_areThoseOfTheTable(t *testing.T) {
	got := map[string][]string{}
	for pkg, imported := range imports(t) {
		if first, _, _ := strings.Cut(pkg, "/"); slices.Contains(top, first) {
			got[pkg] = ours(imported)
		}
	}
	want := map[string][]string{}
	for pkg, imported := range table {
		want[pkg] = strings.Fields(imported)
	}
	if diff := cmp.Diff(want, got, cmp.Transformer("set", func(list []string) map[string]bool {
		set := map[string]bool{}
		for _, name := range list {
			set[name] = true
		}
		return set
	})); diff != "" {
		t.Errorf("what packages import, by the table and really (-table +imported):\n%s", diff)
	}
}
