//go:build linux

package settings_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pulpimg/pulpimg/test/needs"
)

// openFile makes a settings file that everybody can get at.
func openFile(t *testing.T, content string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "settings")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "server.conf")
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// A file of another user is refused.
func TestWrite_otherUsersFile(t *testing.T) {
	needs.Root(t)
	file := openFile(t, "[s]\nk: old\n")
	fails(t, file, "FILE cannot be read and written: permission denied: start the container as a user who may do that", func() (err error) {
		needs.AsNobody(t, func() { err = writer(t).Write(t.Context(), resolved(t, file, "s/k", "new")) })
		return err
	})
}

// A file of this user is written in another user's directory.
func TestWrite_otherUsersDirectory(t *testing.T) {
	needs.Root(t)
	file := openFile(t, "[s]\nk: a long old value\n")
	if err := os.Chown(file, needs.Nobody, needs.Nobody); err != nil {
		t.Fatal(err)
	}
	var err error
	needs.AsNobody(t, func() { err = writer(t).Write(t.Context(), resolved(t, file, "s/k", "new")) })
	if err != nil {
		t.Fatal(err)
	}
	if got, want := read(t, file), "[s]\nk: new\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	leavesNothingBeside(t, file)
}
