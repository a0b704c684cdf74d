//go:build linux

package engine_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/test/needs"
)

// A fresh clone has no built engine. It must compile all the same, and say what it lacks.
func TestStart_noBundle(t *testing.T) {
	needs.Root(t)
	t.Parallel()
	built, err := filepath.Glob("bundle/bin/" + runtime.GOARCH + "/[^.]*") // all but .gitignore
	must(t, err)
	if len(built) == 0 {
		t.Fatal("no built programs to hide")
	}
	hide := map[string]string{}
	for _, name := range built {
		abs, err := filepath.Abs(name)
		must(t, err)
		hide[abs] = "" // not there, to the compiler
	}
	text, err := json.Marshal(map[string]any{"Replace": hide})
	must(t, err)
	binary := filepath.Join(t.TempDir(), "test")
	must(t, compileTests(t.Context(), binary, writeFile(t, "overlay.json", text)))

	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), roleVar+"="+roleStart, cacheVar+"="+t.TempDir())
	out, err := cmd.Output()
	if err == nil {
		t.Error("it succeeded")
	}
	if want := "this pulpimg was built without an engine"; !strings.Contains(string(out), want) {
		t.Errorf("it says %q, want %q", out, want)
	}
}

// The embedded buildkitd has the version of the client library.
func TestBuildkitd_sameVersionAsClient(t *testing.T) {
	product, engine := required(t, "../../go.mod"), required(t, "bundle/buildkitd/go.mod")
	if product != engine {
		t.Errorf("the client is %s and buildkitd %s: change both", product, engine)
	}
}

// required is the version of BuildKit that a go.mod requires.
func required(t *testing.T, gomod string) string {
	t.Helper()
	text, err := os.ReadFile(gomod)
	must(t, err)
	found := regexp.MustCompile(`github\.com/moby/buildkit (v\S+)`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("%s does not require BuildKit", gomod)
	}
	return string(found[1])
}
