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

// families are the packages that know what a family is, each with those of them that it may import: the way from a spec to images goes
// one way. The packages beside them know nothing of it and may import none of these.
var families = map[string][]string{
	"pkg/spec":              {},
	"pkg/diagnostic":        {"pkg/spec"},
	"pkg/family":            {"pkg/spec"},
	"pkg/family/familytest": {"pkg/spec", "pkg/family"},
	"pkg/installer":         {"pkg/family"},
	"pkg/compile":           {"pkg/spec", "pkg/family", "pkg/installer"},
	"pkg/inventory":         {"pkg/spec", "pkg/family"},
	"pkg/build":             {"pkg/spec", "pkg/diagnostic", "pkg/family", "pkg/compile"},
	// Beside compile, of which they know nothing.
	"pkg/dockerfile": {"pkg/spec", "pkg/family", "pkg/installer"},
	"pkg/kube":       {"pkg/spec", "pkg/family"},
	"pkg/compose":    {"pkg/family"},
	"pkg/container":  {"pkg/family"},
}

// imports returns what the packages of the project import, by their path in it.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, line := range list(t, "-f", `{{.ImportPath}}:{{join .Imports ","}}`, "./...") {
		pkg, imported, _ := strings.Cut(line, ":")
		out[strings.TrimPrefix(pkg, module+"/")] = strings.Split(strings.ReplaceAll(imported, module+"/", ""), ",")
	}
	return out
}

func TestImportsPointDown(t *testing.T) {
	all := imports(t)
	for pkg, allowed := range families {
		if _, ok := all[pkg]; !ok {
			t.Errorf("there is no %s any more", pkg)
		}
		for _, other := range allowed {
			if _, ok := families[other]; !ok {
				t.Errorf("%s may import %s, which is none of these packages", pkg, other)
			}
		}
	}
	for pkg, imported := range all {
		if !below(pkg, "pkg") {
			continue
		}
		for _, other := range imported {
			if _, ok := families[other]; ok && !slices.Contains(families[pkg], other) {
				t.Errorf("%s imports %s, which it must know nothing of", pkg, other)
			}
			if below(other, "cmd") || below(other, "assets") || below(other, "test") {
				t.Errorf("%s imports %s, which is above it", pkg, other)
			}
		}
	}
}

func TestFewPackagesKnowBuildKit(t *testing.T) {
	may := []string{"pkg/compile", "pkg/build", "pkg/engine", "cmd/pulpimg", "test"}
	for pkg, imported := range imports(t) {
		for _, other := range imported {
			if below(other, buildkit) && !slices.ContainsFunc(may, func(allowed string) bool { return below(pkg, allowed) }) {
				t.Errorf("%s imports %s", pkg, other)
			}
			if other == buildkit+"/client/llb" && pkg != "pkg/compile" {
				t.Errorf("%s imports %s, which is for pkg/compile", pkg, other)
			}
		}
	}
}

// What these packages depend on in any way stays small.
func TestPackagesThatStandAloneDo(t *testing.T) {
	for pkg, forbidden := range map[string][]string{
		"pkg/spec":        {buildkit, module + "/pkg"},
		"pkg/diagnostic":  {buildkit, module + "/pkg/family"},
		"pkg/family":      {buildkit, "github.com/google/go-containerregistry", "github.com/containerd/containerd"},
		"pkg/installer":   {buildkit},
		"pkg/language":    {buildkit, module + "/pkg/spec", module + "/pkg/family"},
		"pkg/schema":      {buildkit, module + "/pkg/spec", module + "/pkg/family"},
		"pkg/dockerfile":  {buildkit, "github.com/google/go-containerregistry", "github.com/containerd/containerd"},
		"pkg/folder":      {buildkit, module + "/pkg"},
		"pkg/compose":     {buildkit, "k8s.io", "github.com/google/go-containerregistry"},
		"pkg/container":   {buildkit, "k8s.io", "github.com/google/go-containerregistry"},
		"pkg/layer":       {buildkit},
		"pkg/layout":      {buildkit},
		"pkg/terminal":    {buildkit, module + "/pkg"},
		"pkg/export":      {buildkit},
		"pkg/registry":    {buildkit},
		"pkg/settings":    {buildkit, module + "/pkg/spec", module + "/pkg/family"},
		"pkg/serviceurl":  {buildkit, module + "/pkg"},
		"pkg/service":     {buildkit, module + "/pkg/spec", module + "/pkg/family", module + "/pkg/contract"},
		"pkg/interrupt":   {buildkit, module + "/pkg"},
		"pkg/process":     {buildkit, module + "/pkg"},
		"pkg/contract":    {buildkit, module + "/pkg"},
		"pkg/startscript": {buildkit, module + "/pkg"},
		"cmd/pulp-helper": {buildkit, module + "/pkg/spec", module + "/pkg/family", "gopkg.in/yaml.v3"},
	} {
		for _, dependency := range list(t, "-deps", "./"+pkg) {
			for _, path := range forbidden {
				if below(dependency, path) && dependency != module+"/"+pkg {
					t.Errorf("%s depends on %s", pkg, dependency)
				}
			}
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
