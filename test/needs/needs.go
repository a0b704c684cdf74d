// Package needs skips tests where they lack what they need. Under make test they lack nothing.
package needs

import (
	"os"
	"os/exec"
	"testing"
)

// Root skips the test unless root runs it.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("it needs root; make test runs it")
	}
}

// Tool skips the test unless the machine has the program. Root's machine has it: the Makefile installs all that the tests use.
func Tool(t testing.TB, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil && os.Geteuid() != 0 {
		t.Skipf("it needs %s; make test installs it: %v", name, err)
	}
}
