package score

import (
	"os"
	"path/filepath"
	"testing"
)

// A subject is a spec with the flags that give it what it cannot do without.
type subject struct {
	file string
	args []string
}

// specs returns all specs and examples that have something to run.
func specs(t *testing.T) []subject {
	t.Helper()
	pulp := []string{"--env", "PULP_SERVER_NAME=pulp.example.com", "--service", "db=app=mongodb", "--service", "msg=qpid.example.com"}
	return []subject{
		{"../../specs/pulp.yaml", pulp},
		{"../../specs/pulp-el7.yaml", pulp},
		{clock(t), nil},
		{"../../examples/django/pulpimg.yaml", []string{"--env", "SECRET_KEY=secret"}},
		{"../../examples/go-service/pulpimg.yaml", nil},
		{"../../examples/guestbook/pulpimg.yaml", nil},
		{"../../examples/site/pulpimg.yaml", nil},
	}
}

// clock returns the spec of the example whose programs have to be compiled first, in a copy of its directory that has files in their place.
func clock(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "clock")
	if err := os.CopyFS(dir, os.DirFS("../../examples/clock")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"server", "client"} {
		if err := os.WriteFile(filepath.Join(dir, "bin", name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "pulpimg.yaml")
}
