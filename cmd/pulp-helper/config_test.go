package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/contract"
)

const serverConf = `# Pulp's settings.
[server]
# server_name: server.example.com
key_url: /pulp/gpg

[database]
name: pulp_database
; seeds: localhost:27017
`

// withSettings returns a program with one settings file of the given content, and the file's name.
func withSettings(t *testing.T, content string, env map[string]string, set ...contract.Setting) (program, *strings.Builder, string) {
	t.Helper()
	lenses, err := filepath.Abs("../../assets")
	if err != nil {
		t.Fatal(err)
	}
	env = maps.Clone(env)
	if env == nil {
		env = map[string]string{}
	}
	env["AUGEAS_LENS_LIB"] = lenses
	file := filepath.Join(t.TempDir(), "server.conf")
	if err := os.WriteFile(file, []byte(content), 0o640); err != nil {
		t.Fatal(err)
	}
	p, _ := inImage(t, contract.Contract{Settings: []contract.Settings{{Name: "pulp", File: file, Lens: "pulpconf.aug", Set: set}}}, env)
	var stderr strings.Builder
	p.stderr = &stderr
	return p, &stderr, file
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestConfigWritesTheSettings(t *testing.T) {
	p, stderr, file := withSettings(t, serverConf, map[string]string{"NAME": "pulp.example.com", "PASSWORD": `a'b"c\d #[x]=$(y)%`},
		contract.Setting{Path: "server/server_name", Value: "${NAME}"},
		contract.Setting{Path: "database/name", Value: "pulp"},
		contract.Setting{Path: "new/password", Value: "${PASSWORD}"},
	)
	if code := p.run(t.Context(), []string{"config", "pulp"}); code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	want := `# Pulp's settings.
[server]
# server_name: server.example.com
server_name: pulp.example.com
key_url: /pulp/gpg

[database]
name: pulp
; seeds: localhost:27017
[new]
password: a'b"c\d #[x]=$(y)%%
`
	if diff := cmp.Diff(want, read(t, file)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o640 {
		t.Errorf("the file's mode is %v, want 0640", info.Mode())
	}
}

func TestConfigWritesAllSettingsOrNone(t *testing.T) {
	for _, test := range []struct {
		name, content string
		set           contract.Setting
		want          string
	}{
		{"a line break", serverConf, contract.Setting{Path: "s/k", Value: "a\nb"}, "has a line break"},
		{"a tab", serverConf, contract.Setting{Path: "s/k", Value: "a\tb"}, "has a tab"},
		{"a space at the end", serverConf, contract.Setting{Path: "s/k", Value: "a "}, "ends with white space"},
		{"what begins a comment", serverConf, contract.Setting{Path: "s/k", Value: "a ;b"}, "has a semicolon after white space"},
		{"a variable that is not set", serverConf, contract.Setting{Path: "s/k", Value: "${NONE}"}, "NONE is not set"},
		{"a file that is no INI file", serverConf + "what is this\n", contract.Setting{Path: "s/k", Value: "v"}, "/server.conf:9:1: this line is no [SECTION]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, stderr, file := withSettings(t, test.content, nil, contract.Setting{Path: "server/server_name", Value: "new"}, test.set)
			if code := p.run(t.Context(), []string{"config", "pulp"}); code != exitConfig {
				t.Errorf("exit code %d, want %d", code, exitConfig)
			}
			if !strings.Contains(stderr.String(), test.want) {
				t.Errorf("stderr is %q, want %q in it", stderr, test.want)
			}
			if diff := cmp.Diff(test.content, read(t, file)); diff != "" {
				t.Errorf("the file has changed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConfigOfAMissingFileExits78(t *testing.T) {
	p, stderr, file := withSettings(t, serverConf, nil, contract.Setting{Path: "s/k", Value: "v"})
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if code := p.run(t.Context(), []string{"config", "pulp"}); code != exitConfig || !strings.Contains(stderr.String(), "does not exist; install the package that it belongs to, or mount it") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}

func TestConfigWithoutAugtoolExits78(t *testing.T) {
	p, stderr, _ := withSettings(t, serverConf, nil, contract.Setting{Path: "s/k", Value: "v"})
	t.Setenv("PATH", t.TempDir())
	if code := p.run(t.Context(), []string{"config", "pulp"}); code != exitConfig || !strings.Contains(stderr.String(), "install the package augeas") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}
