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
	file := filepath.Join(dir, "secret,1")
	if err := os.WriteFile(file, []byte("of a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("FROM_ENV", "of a variable")
	t.Setenv("BY_ID", "of the id")
	store, err := secretStore([]string{`id=file,"src=` + file + `"`, "id=env,env=FROM_ENV", "type=env,id=typed,source=FROM_ENV", "id=BY_ID", "id=pipe,src=" + pipe(t, "of a pipe")})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"file": "of a file\n", "env": "of a variable", "typed": "of a variable", "BY_ID": "of the id", "pipe": "of a pipe"} {
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

func TestParseSecret_refuses(t *testing.T) {
	for flag, want := range map[string]string{
		"":                         "--secret : write id=ID,src=FILE or id=ID,env=NAME",
		`id=a,"src=b`:              `--secret id=a,"src=b: write id=ID,src=FILE or id=ID,env=NAME`,
		"id=a,mode=0400":           `--secret id=a,mode=0400: "mode" is none of id, src and env`,
		"id=a,type=ssh":            `--secret id=a,type=ssh: the type "ssh" is none of file and env`,
		"src=b":                    "--secret src=b: it needs an id",
		"id=a,src=b,env=HOME":      "--secret id=a,src=b,env=HOME: give src or env, not both",
		"id=a,env=SET_NOWHERE":     "--secret id=a,env=SET_NOWHERE: SET_NOWHERE is not set",
		"id=a,type=env,src=SET_NO": "--secret id=a,type=env,src=SET_NO: SET_NO is not set",
	} {
		_, err := parseSecret(flag)
		var usage usageError
		if !errors.As(err, &usage) || err.Error() != want {
			t.Errorf("%s:\ngot  %v\nwant %s", flag, err, want)
		}
	}
}
