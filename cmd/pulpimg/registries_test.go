package main

import (
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

func TestEngineCredentials(t *testing.T) {
	auth := func(user string) string { return base64.StdEncoding.EncodeToString([]byte(user + ":x")) }
	credentialsHome(t, `{"auths":{"r.test":{"auth":"`+auth("all")+`"},"r.test/pulp":{"auth":"`+auth("pulp")+`"},"docker.io":{"auth":"`+auth("hub")+`"}}}`)
	c := &engineCredentials{keychain: publish.NewKeychain(os.Getenv), known: map[string]engineCredential{}}
	for _, test := range []struct {
		host   string
		scopes []string
		want   string
	}{
		{"r.test", []string{"repository:pulp/base:pull"}, "pulp"},
		{"r.test", []string{"repository:other/base:pull"}, "all"},
		{"r.test", nil, "all"},
		{"registry-1.docker.io", []string{"repository:library/debian:pull"}, "hub"},
		{"other.test", []string{"repository:pulp/base:pull"}, ""},
	} {
		for range 2 { // the second is remembered
			got, err := c.find(t.Context(), test.host, test.scopes, func(time.Time, string) bool { return false })
			if err != nil || got.Username != test.want {
				t.Errorf("%s %v: the user is %q, %v, want %q", test.host, test.scopes, got.Username, err, test.want)
			}
		}
	}
}

func TestRegistryCredentials_damaged(t *testing.T) {
	credentialsHome(t, `{"auths":`)
	_, err := registryCredentials()
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
