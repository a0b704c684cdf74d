// Package scripts has what the testscripts of the command line have in common, in cmd/pulpimg and in test/e2e. It runs none.
package scripts

import (
	"errors"
	"os/exec"

	"github.com/rogpeppe/go-internal/testscript"
)

// Fails runs a command that has to end with an exit code and to print nothing on its standard output.
func Fails(ts *testscript.TestScript, code int, command string, args ...string) {
	var exit *exec.ExitError
	switch err := ts.Exec(command, args...); {
	case err == nil:
		ts.Fatalf("it ended with 0, want %d", code)
	case !errors.As(err, &exit):
		ts.Fatalf("%v", err)
	case exit.ExitCode() != code:
		ts.Fatalf("it ended with %d, want %d", exit.ExitCode(), code)
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("it failed and printed a result:\n%s", out)
	}
}
