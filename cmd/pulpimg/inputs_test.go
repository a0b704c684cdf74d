package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/buildkit/session/secrets"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
)

// pipe returns the name of a pipe that holds a text, as a shell's <(...) has it.
func pipe(t *testing.T, text string) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	_, err = w.WriteString(text)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("/dev/fd/%d", r.Fd())
}

func TestSecretStore(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "secret")
	if err := os.WriteFile(file, []byte("of a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("FROM_ENV", "of a variable")
	t.Setenv("BY_ID", "of the id")
	store, err := secretStore([]string{"id=file,src=" + file, "id=env,env=FROM_ENV", "id=BY_ID", "id=pipe,src=" + pipe(t, "of a pipe")})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"file": "of a file\n", "env": "of a variable", "BY_ID": "of the id", "pipe": "of a pipe"} {
		for step := range 2 { // more than one may want it
			if got, err := store.GetSecret(t.Context(), id); err != nil || string(got) != want {
				t.Errorf("step %d gets %q of %s, %v, want %q", step, got, id, err, want)
			}
		}
	}
	if _, err := store.GetSecret(t.Context(), "other"); !errors.Is(err, secrets.ErrNotFound) {
		t.Errorf("a secret that was not given: %v", err)
	}
}

func TestSecretStore_refuses(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, make([]byte, secretsprovider.MaxSecretSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string]string{
		large:                      "is larger than 512000 bytes",
		dir:                        "is a directory",
		filepath.Join(dir, "none"): "no such file",
	} {
		_, err := secretStore([]string{"id=a,src=" + source})
		var usage usageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), source) {
			t.Errorf("%s: %v, want %q", source, err, want)
		}
	}
}
