package main

import (
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pulpimg/pulpimg/test/scripts"
)

// TestMain makes this binary the pulpimg of the scripts.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"pulpimg": main})
}

// The scripts say what a command prints and how it ends. These need neither root nor an engine nor a network; those that do are in test/e2e.
// They see the repository (ROOT) and one more command:
//
//	fails CODE COMMAND...   runs a command that has to end with the exit code and print nothing on its standard output
func TestScripts(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		ContinueOnError:     true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("ROOT", root)
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("XDG_CACHE_HOME", filepath.Join(e.WorkDir, "cache"))
			e.Setenv("CONTAINERS_REGISTRIES_CONF", "/dev/null")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"fails": fails},
	})
}

func fails(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: fails CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	scripts.Fails(ts, want, args[1], args[2:]...)
}
