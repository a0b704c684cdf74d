package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
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
		{&publish.UnreachableError{Registry: "r.test:5000", Err: &url.Error{Err: x509.UnknownAuthorityError{}}}, "--ca FILE, or put it into certs.d/r.test:5000"},
		{x509.UnknownAuthorityError{}, "unknown authority"},
		{&publish.PlainHTTPError{Host: "10.0.0.1"}, "--plain-http 10.0.0.1"},
		{&publish.PlainHTTPError{Host: "10.0.0.1", Lowered: true}, "plain HTTP at 10.0.0.1"},
		{errors.New("other"), "other"},
	} {
		if got := new(registryFlags).hint(test.err).Error(); !strings.HasSuffix(got, test.want) {
			t.Errorf("%q does not end with %q", got, test.want)
		}
	}
}

// noRegistriesConf keeps the files of the machine out of a test.
func noRegistriesConf(t *testing.T) {
	t.Helper()
	t.Setenv("CONTAINERS_REGISTRIES_CONF", "/dev/null")
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
}

func TestRegistryFlags_check(t *testing.T) {
	noRegistriesConf(t)
	dir := t.TempDir()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	ca, empty := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "empty.pem")
	for file, data := range map[string][]byte{ca: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), empty: nil} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name  string
		flags registryFlags
		want  string // in the usage error; nothing: there is none
	}{
		{"nothing", registryFlags{}, ""},
		{"all of them", registryFlags{plainHTTP: []string{"r.test:5000"}, mirrors: []string{"docker.io=m.test/hub", "r.test/a=localhost:5000"}, cas: []string{ca, ca}}, ""},
		{"an address as host", registryFlags{plainHTTP: []string{"http://r.test"}}, "--plain-http http://r.test: write HOST or HOST:PORT"},
		{"a mirror of nothing", registryFlags{mirrors: []string{"m.test"}}, "--mirror m.test: write REGISTRY=HOST[:PORT][/PATH]"},
		{"no mirror", registryFlags{mirrors: []string{"docker.io="}}, "--mirror docker.io=: write REGISTRY="},
		{"no registry", registryFlags{mirrors: []string{"=m.test"}}, "--mirror =m.test: write REGISTRY="},
		{"an address as mirror", registryFlags{mirrors: []string{"docker.io=https://m.test"}}, "--mirror docker.io=https://m.test: write REGISTRY="},
		{"a mirror of an image", registryFlags{mirrors: []string{"debian=m.test"}}, "--mirror debian=m.test: write REGISTRY="},
		{"a missing file", registryFlags{cas: []string{ca, filepath.Join(dir, "missing.pem")}}, "--ca " + filepath.Join(dir, "missing.pem") + ": no such file or directory"},
		{"an empty file", registryFlags{cas: []string{empty}}, "--ca " + empty + ": there is no certificate in it (PEM)"},
		{"a directory", registryFlags{cas: []string{dir}}, "--ca " + dir + ": is a directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.flags.check()
			if test.want == "" {
				if err != nil || test.flags.config == nil {
					t.Errorf("the error is %v, what is known is %v", err, test.flags.config)
				}
				return
			}
			if exitCode(t.Context(), err) != exitUsage || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("the error is %v, want the usage error %q", err, test.want)
			}
		})
	}
}

func TestRegistryFlags_damagedConf(t *testing.T) {
	noRegistriesConf(t)
	file := filepath.Join(t.TempDir(), "mine.conf")
	if err := os.WriteFile(file, []byte("[["), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CONTAINERS_REGISTRIES_CONF", file)
	err := new(registryFlags).check()
	if exitCode(t.Context(), err) != exitFailure || !strings.Contains(err.Error(), file) || !strings.Contains(remedy(err), "CONTAINERS_REGISTRIES_CONF=/dev/null") {
		t.Errorf("the error is %v, the remedy %q", err, remedy(err))
	}
}

// What is given by flags reaches the options of a build and of a push.
func TestRegistryFlags_reachOptions(t *testing.T) {
	noRegistriesConf(t)
	flags := registryFlags{plainHTTP: []string{"plain.test"}, mirrors: []string{"docker.io=m.test"}}
	if err := flags.check(); err != nil {
		t.Fatal(err)
	}
	config := flags.options(nil).Registries
	if config == nil || !config.Host("http", "plain.test").PlainHTTP {
		t.Errorf("a push knows %v", config)
	}
	sources, err := config.Sources("debian")
	if err != nil || len(sources) != 2 || sources[0].Reference != "m.test/library/debian" {
		t.Errorf("debian is at %v (%v)", sources, err)
	}
}
