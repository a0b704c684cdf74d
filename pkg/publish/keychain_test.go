package publish

import (
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/cli/cli/config/configfile"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// authsFor is the file that a login leaves, with the user's name as the password.
func authsFor(pairs ...string) string {
	var entries []string
	for i := 0; i < len(pairs); i += 2 {
		entries = append(entries, `"`+pairs[i]+`":{"auth":"`+base64.StdEncoding.EncodeToString([]byte(pairs[i+1]+":"+pairs[i+1]))+`"}`)
	}
	return `{"auths":{` + strings.Join(entries, ",") + `}}`
}

// home writes files into a directory, and returns an environment in which $DIR stands for it.
func home(t *testing.T, files, env map[string]string) func(string) string {
	t.Helper()
	dir := t.TempDir()
	for file, content := range files {
		file = filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return func(key string) string {
		if value, ok := env[key]; ok {
			return strings.ReplaceAll(value, "$DIR", dir)
		}
		if key == "HOME" {
			return dir
		}
		return ""
	}
}

const (
	dockerFile  = ".docker/config.json"
	podmanFile  = ".config/containers/auth.json"
	runtimeFile = "run/containers/auth.json"
)

func TestKeychain(t *testing.T) {
	runtimeDir := map[string]string{"XDG_RUNTIME_DIR": "$DIR/run"}
	for _, test := range []struct {
		name       string
		files, env map[string]string
		repository string
		want       string // the user
	}{
		{name: "docker login", files: map[string]string{dockerFile: authsFor("r.test", "docker")}, want: "docker"},
		{name: "podman login", files: map[string]string{runtimeFile: authsFor("r.test", "podman")}, env: runtimeDir, want: "podman"},
		{name: "podman login that lasts", files: map[string]string{podmanFile: authsFor("r.test", "podman")}, want: "podman"},
		{
			name:  "podman login beside a docker configuration for other things",
			files: map[string]string{dockerFile: authsFor("other.test", "docker"), podmanFile: authsFor("r.test", "podman")}, want: "podman",
		},
		{
			name:  "podman login beside an empty docker configuration",
			files: map[string]string{dockerFile: ``, runtimeFile: authsFor("r.test", "podman")}, env: runtimeDir, want: "podman",
		},
		{name: "both", files: map[string]string{dockerFile: authsFor("r.test", "docker"), podmanFile: authsFor("r.test", "podman")}, want: "docker"},
		{
			name: "a file that the user names", env: map[string]string{"REGISTRY_AUTH_FILE": "$DIR/x.json"},
			files: map[string]string{"x.json": authsFor("r.test", "named"), dockerFile: authsFor("r.test", "docker")}, want: "named",
		},
		{name: "DOCKER_CONFIG", env: map[string]string{"DOCKER_CONFIG": "$DIR/d"}, files: map[string]string{"d/config.json": authsFor("r.test", "d"), dockerFile: authsFor("r.test", "docker")}, want: "d"},
		{name: "XDG_CONFIG_HOME", env: map[string]string{"XDG_CONFIG_HOME": "$DIR/c"}, files: map[string]string{"c/containers/auth.json": authsFor("r.test", "c")}, want: "c"},
		{name: "DOCKER_AUTH_CONFIG", env: map[string]string{configfile.DockerEnvConfigKey: authsFor("r.test", "env")}, files: map[string]string{dockerFile: authsFor("r.test", "docker")}, want: "env"},
		{name: "a namespace", files: map[string]string{podmanFile: authsFor("r.test", "all", "r.test/pulp", "pulp", "r.test/other", "other")}, want: "pulp"},
		{name: "a repository", files: map[string]string{podmanFile: authsFor("r.test/pulp", "pulp", "r.test/pulp/base", "base")}, want: "base"},
		{name: "another namespace alone", files: map[string]string{podmanFile: authsFor("r.test/other", "other", "r.test/pulp-2", "other")}, want: ""},
		{name: "an old address", files: map[string]string{dockerFile: authsFor("https://r.test/v1/", "old")}, want: "old"},
		{name: "another port", files: map[string]string{dockerFile: authsFor("r.test:5000", "other")}, want: ""},
		{name: "the default port", files: map[string]string{dockerFile: authsFor("r.test", "docker")}, repository: "r.test:443/pulp/base", want: "docker"},
		{name: "the default port in the file", files: map[string]string{dockerFile: authsFor("r.test:443", "docker")}, want: "docker"},
		{name: "Docker Hub by docker", files: map[string]string{dockerFile: authsFor("https://index.docker.io/v1/", "hub")}, repository: "pulp/base", want: "hub"},
		{name: "Docker Hub by podman", files: map[string]string{podmanFile: authsFor("docker.io", "hub")}, repository: "docker.io/pulp/base", want: "hub"},
		{name: "a namespace of Docker Hub", files: map[string]string{podmanFile: authsFor("docker.io/pulp", "hub")}, repository: "pulp/base", want: "hub"},
		{name: "nothing", want: ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.repository == "" {
				test.repository = "r.test/pulp/base"
			}
			repo, err := name.NewRepository(test.repository)
			if err != nil {
				t.Fatal(err)
			}
			got, err := authn.Resolve(t.Context(), NewKeychain(home(t, test.files, test.env)), repo)
			if err != nil {
				t.Fatal(err)
			}
			config, err := authn.Authorization(t.Context(), got)
			if err != nil {
				t.Fatal(err)
			}
			if config.Username != test.want || config.Password != test.want {
				t.Errorf("the user is %q, want %q", config.Username, test.want)
			}
		})
	}
}

func TestKeychain_helpers(t *testing.T) {
	bin := t.TempDir()
	helper := "#!/bin/sh\nread host\necho \"{\\\"ServerURL\\\":\\\"$host\\\",\\\"Username\\\":\\\"helper\\\",\\\"Secret\\\":\\\"$host\\\"}\"\n"
	for name, content := range map[string]string{"docker-credential-good": helper, "docker-credential-bad": "#!/bin/sh\necho it broke\nexit 1\n"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	for _, test := range []struct{ name, file, content, says string }{
		{"of docker", dockerFile, `{"credHelpers":{"r.test":"good"}}`, ""},
		{"beside a former login", dockerFile, `{"credHelpers":{"r.test":"good"},` + authsFor("r.test", "former")[1:], ""},
		{"written with the default port", dockerFile, `{"credHelpers":{"r.test:443":"good"}}`, ""},
		{"that is empty, beside one for all", dockerFile, `{"credsStore":"bad","credHelpers":{"r.test":""},` + authsFor("r.test", "helper")[1:], ""},
		{"of podman", podmanFile, `{"credHelpers":{"r.test":"good"}}`, ""},
		{"for all", dockerFile, `{"credsStore":"good"}`, ""},
		{"that fails", dockerFile, `{"credHelpers":{"r.test":"bad"}}`, "it broke"},
		{"that is missing", dockerFile, `{"credHelpers":{"r.test":"missing"}}`, "docker-credential-missing"},
		{"for another registry", dockerFile, `{"credHelpers":{"other.test":"bad"},` + authsFor("r.test", "helper")[1:], ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := NewKeychain(home(t, map[string]string{test.file: test.content}, nil))
			got, err := k.Resolve(testTag(t, "r.test/pulp/base:1").Repository)
			if test.says != "" {
				var damaged *CredentialsFileError
				if !errors.As(err, &damaged) || !strings.HasSuffix(damaged.File, test.file) || !strings.Contains(err.Error(), test.says) {
					t.Errorf("the error is %v, want a *CredentialsFileError that names %s", err, test.file)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			config, err := got.Authorization()
			if err != nil || config.Username != "helper" {
				t.Errorf("the credentials are of %+v, %v", config, err)
			}
		})
	}
}

// Docker and podman ask helpers about Docker Hub by different names, and helpers know it by the one that it was stored under.
func TestKeychain_helpersForDockerHub(t *testing.T) {
	bin := t.TempDir()
	helper := "#!/bin/sh\nread host\necho \"{\\\"Username\\\":\\\"helper\\\",\\\"Secret\\\":\\\"$host\\\"}\"\n"
	if err := os.WriteFile(filepath.Join(bin, "docker-credential-good"), []byte(helper), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	for content, want := range map[string]string{
		`{"credsStore":"good"}`:                                  "https://index.docker.io/v1/",
		`{"credHelpers":{"https://index.docker.io/v1/":"good"}}`: "https://index.docker.io/v1/",
		`{"credHelpers":{"docker.io":"good"}}`:                   "docker.io",
		`{"credHelpers":{"index.docker.io":"good"}}`:             "index.docker.io",
	} {
		got, err := NewKeychain(home(t, map[string]string{dockerFile: content}, nil)).Resolve(testTag(t, "pulp/base:1").Repository)
		if err != nil {
			t.Fatal(err)
		}
		config, err := got.Authorization()
		if err != nil || config.Password != want {
			t.Errorf("%s: the helper was asked about %q, %v, want %q", content, config.Password, err, want)
		}
	}
}

func TestKeychain_damagedFiles(t *testing.T) {
	for _, test := range []struct {
		name, says string
		files, env map[string]string
	}{
		{name: "truncated", says: dockerFile, files: map[string]string{dockerFile: `{"auths":{"r.test"`}},
		{name: "truncated, of podman", says: podmanFile, files: map[string]string{podmanFile: `{"auths":`}},
		{name: "no base64", says: dockerFile, files: map[string]string{dockerFile: `{"auths":{"r.test":{"auth":"%"}}}`}},
		{name: "a directory", says: dockerFile, files: map[string]string{dockerFile + "/x": ``}},
		{name: "missing where the user says", says: "x.json", env: map[string]string{"REGISTRY_AUTH_FILE": "$DIR/x.json"}},
		{name: "the variable", says: "$DOCKER_AUTH_CONFIG", env: map[string]string{configfile.DockerEnvConfigKey: `{"auths":`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := NewKeychain(home(t, test.files, test.env))
			_, err := Resolve(t.Context(), "r.test/pulp/base:1", Options{
				Keychain: k, Transport: &anywhere{handler: func(http.ResponseWriter, *http.Request) {}},
			})
			var damaged *CredentialsFileError
			var unreachable *UnreachableError
			if !errors.As(err, &damaged) || errors.As(err, &unreachable) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("the error is %v, want a *CredentialsFileError that names %s", err, test.says)
			}
		})
	}
}

func FuzzCredentials(f *testing.F) {
	for _, seed := range []string{authsFor("r.test", "a"), authsFor("https://r.test/v1/", "a", "r.test/pulp", "b"), `{"auths":null}`, `{"auths":{"r.test":{"identitytoken":"x"}}}`, ``, `{`} {
		f.Add([]byte(seed))
	}
	repo, err := name.NewRepository("r.test/pulp/base")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := parseCredentials("x", data)
		if err != nil {
			return
		}
		file.CredentialsStore, file.CredentialHelpers = "", nil // no program is to run
		if _, err := NewKeychain(os.Getenv).find(file, repo); err != nil {
			t.Errorf("%q: %v", data, err)
		}
	})
}
