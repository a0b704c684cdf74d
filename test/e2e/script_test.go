package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pulpimg/pulpimg/test/inlab"
	"github.com/pulpimg/pulpimg/test/scripts"
)

// The scripts say what a command prints and how it ends. They see the lab's values (LAB_...), a place in its registry of their own
// (REGISTRY), the repository (ROOT) and more commands:
//
//	build ARGS...           pulpimg build under the lab's policy
//	age DURATION            gives what commands got from the network another age
//	fails CODE COMMAND...   runs a command that has to end with the exit code and print nothing on its standard output
//
// pulpimg runs as an ordinary user, unless needRoot has the script.
func TestScripts(t *testing.T) {
	env.lanes.warm.enter(t)
	jo := newAccount(t)
	jo.copy(t, pulpSpec(), "specs/pulp.yaml", 0o644)
	jo.copy(t, filepath.Join(env.root, "specs", "pulp-el7.yaml"), "specs/pulp-el7.yaml", 0o644)
	wrapped := jo.wrapped(t)
	testscript.RunT(oneByOne{t}, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		ContinueOnError:     true,
		Setup: func(e *testscript.Env) error {
			script := strings.TrimPrefix(filepath.Base(e.WorkDir), "script-")
			e.Vars = append(e.Vars, env.lab.Vars()...)
			e.Vars = append(e.Vars, "REGISTRY="+env.lab.Registry+env.place+"/"+script)
			if needRoot[script] != "" {
				e.Vars = append(append(e.Vars, warm().environ()...), "ROOT="+env.root)
				return inlab.Watch()
			}
			e.Vars = append(e.Vars, "PATH="+wrapped+":"+os.Getenv("PATH"), "HOME="+jo.home, "XDG_CACHE_HOME="+filepath.Dir(jo.cache()), "ROOT="+jo.home,
				"LAB_POLICY="+filepath.Join(jo.home, "policy.json"))
			return errors.Join(jo.own(e.WorkDir), inlab.Watch())
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"build": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg {
					ts.Fatalf("use fails CODE pulpimg build ...")
				}
				ts.Check(ts.Exec("pulpimg", buildArgs(ts, args)...))
			},
			"age": age,
			"fails": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) < 2 {
					ts.Fatalf("usage: fails CODE COMMAND...")
				}
				want, err := strconv.Atoi(args[0])
				ts.Check(err)
				if args[1] == "build" {
					args = append([]string{args[0], "pulpimg"}, buildArgs(ts, args[2:])...)
				}
				scripts.Fails(ts, want, args[1], args[2:]...)
			},
		},
	})
}

// needRoot has the scripts that an ordinary user cannot run, each with the reason.
var needRoot = map[string]string{
	"run":          "the tests' podman keeps its images as root",
	"unsafe_cache": "it is about what root runs out of the directory of a user",
}

// oneByOne runs scripts one after the other: they share an engine, and would only tell each other to wait.
type oneByOne struct{ *testing.T }

func (o oneByOne) Run(name string, script func(testscript.T)) {
	o.T.Run(name, func(t *testing.T) { script(oneByOne{t}) })
}

func (oneByOne) Parallel() {}

func (oneByOne) Verbose() bool { return testing.Verbose() }

func buildArgs(ts *testscript.TestScript, args []string) []string {
	return append([]string{"build", "--source-policy", ts.Getenv("LAB_POLICY")}, args...)
}
