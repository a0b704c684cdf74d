package score

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/zegl/kube-score/config"
	ks "github.com/zegl/kube-score/domain"
	"github.com/zegl/kube-score/parser"
	"github.com/zegl/kube-score/score"
	"github.com/zegl/kube-score/scorecard"
)

// program is the path of pulpimg, which is compiled once.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if program = os.Getenv("PULPIMG"); program != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "score-*")
	if err == nil {
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "pulpimg")
		build := exec.Command("go", "build", "-C", "../..", "-o", program, "./cmd/pulpimg")
		build.Stderr = os.Stderr
		err = build.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// printed returns what the program prints for a spec.
func printed(t *testing.T, spec string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(program, append([]string{"manifests", "-f", spec, "--by-tag"}, args...)...)
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+t.TempDir())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	return out
}

// A named is a stream with a name.
type named struct{ *bytes.Reader }

func (named) Name() string { return "manifests.yaml" }

// findings returns the checks of the grade CRITICAL that objects fail, by the object and the check, with what kube-score says.
func findings(t *testing.T, manifests []byte) map[string]string {
	t.Helper()
	p, err := parser.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := p.ParseFiles([]ks.NamedReader{named{bytes.NewReader(manifests)}})
	if err != nil {
		t.Fatal(err)
	}
	run := &config.RunConfiguration{KubernetesVersion: config.Semver{Major: 1, Minor: 32}, MinReplicasDeployment: 2, MinReplicasHPA: 2}
	card, err := score.Score(objects, score.RegisterAllChecks(objects, nil, run), run)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, o := range *card {
		for _, c := range o.Checks {
			if c.Skipped || c.Grade != scorecard.GradeCritical {
				continue
			}
			text := ""
			for _, comment := range c.Comments {
				text += "; " + comment.Path + " " + comment.Summary
			}
			out[fmt.Sprintf("%s %s: %s", o.TypeMeta.Kind, o.ObjectMeta.Name, c.Check.ID)] = text
		}
	}
	return out
}

func TestScore(t *testing.T) {
	used := map[int]bool{}
	for _, spec := range specs(t) {
		t.Run(filepath.Base(filepath.Dir(spec.file))+"/"+filepath.Base(spec.file), func(t *testing.T) {
			found := findings(t, printed(t, spec.file, spec.args...))
			for _, what := range slices.Sorted(maps.Keys(found)) {
				at := slices.IndexFunc(stays, func(s stay) bool { return s.matches(what) })
				if at < 0 {
					t.Errorf("%s%s", what, found[what])
				}
				used[at] = true
			}
		})
	}
	for at, s := range stays {
		if !used[at] {
			t.Errorf("nothing is found of %s %s any more", s.check, s.object)
		}
	}
}

// With all that a spec can say, nothing is left but what only an image knows.
func TestScore_careful(t *testing.T) {
	for what, why := range findings(t, printed(t, "testdata/careful.yaml")) {
		if what != "Deployment web: container-security-context-readonlyrootfilesystem" {
			t.Errorf("%s%s", what, why)
		}
	}
}
