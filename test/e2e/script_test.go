package e2e

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pulpimg/pulpimg/test/inlab"
	"github.com/pulpimg/pulpimg/test/scripts"
)

// The scripts say what a command prints and how it ends. They see the lab's values (LAB_...), a place in its registry of their own
// (REGISTRY), the repository (ROOT) and two more commands:
//
//	build ARGS...           pulpimg build under the lab's policy
//	fails CODE COMMAND...   runs a command that has to end with the exit code and print nothing on its standard output
func TestScripts(t *testing.T) {
	env.lanes.warm.enter(t)
	testscript.RunT(oneByOne{t}, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		ContinueOnError:     true,
		Setup: func(e *testscript.Env) error {
			script := strings.TrimPrefix(filepath.Base(e.WorkDir), "script-")
			e.Vars = append(e.Vars, warm().environ()...)
			e.Vars = append(e.Vars, env.lab.Vars()...)
			e.Vars = append(e.Vars, "ROOT="+env.root, "REGISTRY="+env.lab.Registry+env.place+"/"+script)
			return inlab.Watch()
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"build": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg {
					ts.Fatalf("use fails CODE pulpimg build ...")
				}
				ts.Check(ts.Exec("pulpimg", buildArgs(ts, args)...))
			},
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
