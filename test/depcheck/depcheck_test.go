package depcheck

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module   = "github.com/pulpimg/pulpimg"
	buildkit = "github.com/moby/buildkit"
	root     = "../.."
)

// list runs go list in the project's module and returns what it prints, line by line.
func list(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Dir = root
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v\n%s", args, err, stderr.String())
	}
	return strings.Fields(string(out))
}

// below says whether a package is a module or a part of it.
func below(pkg, path string) bool { return pkg == path || strings.HasPrefix(pkg, path+"/") }

func TestPackagesDoNotImportWhatIsNoneOfTheirBusiness(t *testing.T) {
	for _, test := range []struct {
		pkg       string
		forbidden []string // with all that is below
	}{
		{"pkg/spec", []string{buildkit, module + "/pkg", module + "/assets", module + "/templates"}},
		{"pkg/family", []string{buildkit, module + "/pkg/compile", module + "/pkg/build", module + "/pkg/engine", module + "/pkg/registry", module + "/assets"}},
		{"pkg/engine", []string{module + "/pkg/spec", module + "/pkg/family", module + "/pkg/compile", module + "/pkg/build"}},
		{"pkg/registry", []string{buildkit, module + "/pkg/spec", module + "/pkg/family", module + "/pkg/compile", module + "/pkg/build"}},
		{"cmd/pulp-helper", []string{buildkit, module + "/pkg", "gopkg.in/yaml.v3"}},
	} {
		t.Run(test.pkg, func(t *testing.T) {
			self := module + "/" + test.pkg
			for _, dependency := range list(t, "-deps", "./"+test.pkg) {
				for _, forbidden := range test.forbidden {
					if below(dependency, forbidden) && !below(dependency, self) {
						t.Errorf("%s depends on %s", test.pkg, dependency)
					}
				}
			}
		})
	}
}

func TestNothingButCompileKnowsLLB(t *testing.T) {
	const llb = buildkit + "/client/llb"
	lines := list(t, "-f", `{{.ImportPath}}:{{join .Imports ","}}`, "./...")
	for _, line := range lines {
		pkg, imports, _ := strings.Cut(line, ":")
		if slices.Contains(strings.Split(imports, ","), llb) && pkg != module+"/pkg/compile" {
			t.Errorf("%s imports %s, which is for pkg/compile", pkg, llb)
		}
	}
}

// Examples in comments may name the family that everybody knows; code may not.
func TestNoCodeInPkgKnowsOfPulp(t *testing.T) {
	files := token.NewFileSet()
	err := filepath.WalkDir(filepath.Join(root, "pkg"), func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || strings.Contains(name, "/testdata/") {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var code scanner.Scanner
		code.Init(files.AddFile(name, -1, len(data)), data, nil, 0) // without comments
		for {
			at, tok, text := code.Scan()
			if tok == token.EOF {
				return nil
			}
			if mentionsPulp(text) {
				t.Errorf("%s: %s", files.Position(at), text)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// programs are the words that have the word in them.
var programs = strings.NewReplacer("pulpimg", "", "pulp-helper", "")

func mentionsPulp(code string) bool {
	return strings.Contains(programs.Replace(strings.ToLower(code)), "pulp")
}

func TestTheWordIsFound(t *testing.T) {
	for code, want := range map[string]bool{
		`"github.com/pulpimg/pulpimg/pkg/spec"`: false,
		`PULPIMG_DEBUG, pulp-helper`:            false,
		`such as "docker.io/pulp"`:              true,
		`pulpconf.aug`:                          true,
		`"pulp-base"`:                           true,
		`Pulp`:                                  true,
		`pulpimg and pulp`:                      true,
	} {
		if got := mentionsPulp(code); got != want {
			t.Errorf("mentionsPulp(%q) = %v, want %v", code, got, want)
		}
	}
}
