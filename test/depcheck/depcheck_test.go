package depcheck

import (
	"go/scanner"
	"go/token"
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

// below reports whether a package is a module or a part of it.
func below(pkg, path string) bool { return pkg == path || strings.HasPrefix(pkg, path+"/") }

// knowBuildKit are the packages that may import BuildKit, with all below them.
var knowBuildKit = []string{"internal/llb", "internal/policy", "pkg/build", "pkg/engine", "cmd/pulpimg", "test"}

func TestFewPackagesKnowBuildKit(t *testing.T) {
	for pkg, imported := range imports(t) {
		for _, other := range imported {
			if below(other, buildkit) && !slices.ContainsFunc(knowBuildKit, func(allowed string) bool { return below(pkg, allowed) }) {
				t.Errorf("%s imports %s", pkg, other)
			}
			if other == buildkit+"/client/llb" && pkg != "internal/llb" {
				t.Errorf("%s imports %s, which is for internal/llb", pkg, other)
			}
		}
	}
}

// What these packages depend on in any way stays small.
func TestPackagesThatStandAloneDo(t *testing.T) {
	yaml := []string{"gopkg.in/yaml.v3", "go.yaml.in/yaml"}
	ggcr, containerd := "github.com/google/go-containerregistry", "github.com/containerd/containerd"
	inContainers := append([]string{buildkit, containerd, ggcr, module + "/pkg/spec", module + "/pkg/family"}, yaml...)
	for pkg, forbidden := range map[string][]string{
		"cmd/pulp-helper":     inContainers,
		"pkg/startup/...":     inContainers,
		"pkg/spec":            {buildkit, module + "/pkg", module + "/internal"},
		"pkg/spec/schema":     {buildkit, module + "/pkg/family"},
		"pkg/family":          {buildkit, ggcr, containerd},
		"pkg/layout":          {buildkit},
		"pkg/publish":         {buildkit},
		"pkg/render/...":      {buildkit, ggcr, containerd},
		"internal/diagnostic": {buildkit, module + "/pkg/family"},
		"internal/layer":      {buildkit},
		"internal/packages":   {buildkit},
		"internal/export":     {buildkit},
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
func TestNoLibraryKnowsOfPulp(t *testing.T) {
	files := token.NewFileSet()
	sources(t, func(name string) {
		if !below(name, "pkg") && !below(name, "internal") || strings.HasSuffix(name, "_test.go") {
			return
		}
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		var code scanner.Scanner
		code.Init(files.AddFile(name, -1, len(data)), data, nil, 0) // without comments
		for {
			at, tok, text := code.Scan()
			if tok == token.EOF {
				return
			}
			if mentionsPulp(text) {
				t.Errorf("%s: %s", files.Position(at), text)
			}
		}
	})
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
