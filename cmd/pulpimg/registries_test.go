package main

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/pkg/publish"
)

// credentialsHome makes a home with podman's file.
func credentialsHome(t *testing.T, content string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"REGISTRY_AUTH_FILE", "DOCKER_AUTH_CONFIG", "DOCKER_CONFIG", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", dir)
	file := filepath.Join(dir, ".config", "containers", "auth.json")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestKeychain_damaged(t *testing.T) {
	credentialsHome(t, `{"auths":`)
	_, err := keychain()
	var damaged *publish.CredentialsFileError
	if !errors.As(err, &damaged) || exitCode(t.Context(), err) != exitCredentials {
		t.Errorf("the error is %v, exit code %d", err, exitCode(t.Context(), err))
	}
}

func TestRegistryFlags_hint(t *testing.T) {
	mismatch := &publish.UnreachableError{Registry: "10.0.0.1:5000", Err: http.ErrSchemeMismatch}
	for _, test := range []struct {
		err  error
		want string // what the message ends with
	}{
		{mismatch, "--plain-http 10.0.0.1:5000"},
		{&publish.PlainHTTPError{Host: "10.0.0.1"}, "--plain-http 10.0.0.1"},
		{&publish.PlainHTTPError{Host: "10.0.0.1", Lowered: true}, "plain HTTP at 10.0.0.1"},
		{errors.New("other"), "other"},
	} {
		if got := new(registryFlags).hint(test.err).Error(); !strings.HasSuffix(got, test.want) {
			t.Errorf("%q does not end with %q", got, test.want)
		}
	}
	if err := (&registryFlags{plainHTTP: []string{"http://r.test"}}).check(); exitCode(t.Context(), err) != exitUsage {
		t.Errorf("an address is taken for a host: %v", err)
	}
}
