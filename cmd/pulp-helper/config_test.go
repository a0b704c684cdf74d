//go:build linux

package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/startup/contract"
	"github.com/pulpimg/pulpimg/test/needs"
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
	needs.Tool(t, "augtool")
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

func TestConfig(t *testing.T) {
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

func TestConfig_allOrNone(t *testing.T) {
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
		{"a file that is no INI file", serverConf + "what is this\n", contract.Setting{Path: "s/k", Value: "v"}, "/server.conf:9:1: this line is neither a [SECTION]"},
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

// What is wrong with all that is named is said at once, and nothing is written before all of it can be.
func TestConfig_severalErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "server.conf")
	if err := os.WriteFile(file, []byte(serverConf), 0o640); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(t.TempDir(), "missing.conf")
	lenses, err := filepath.Abs("../../assets")
	if err != nil {
		t.Fatal(err)
	}
	c := contract.Contract{
		Environment: []contract.Variable{{Name: "NAME"}, {Name: "PASSWORD", Secret: true}},
		Settings: []contract.Settings{
			{Name: "fine", File: file, Lens: "pulpconf.aug", Set: []contract.Setting{{Path: "server/server_name", Value: "x"}}},
			{Name: "bad", File: file, Lens: "pulpconf.aug", Set: []contract.Setting{{Path: "a/name", Value: "${NAME}"}, {Path: "a/password", Value: "p-${PASSWORD}"}}},
			{Name: "missing", File: missing, Lens: "pulpconf.aug", Set: []contract.Setting{{Path: "a/b", Value: "c"}}},
		},
	}
	for _, test := range []struct {
		args, want string
	}{
		{"fine bad", "pulp-helper: a/name of " + file + ": NAME is not set: give it with -e NAME=VALUE\n" +
			"pulp-helper: a/password of " + file + `: the value "p-***" has a line break, which the file cannot hold: give another one with -e PASSWORD=VALUE` + "\n"},
		{"fine missing", "pulp-helper: " + missing + " cannot be read: no such file or directory: install the package that it belongs to, or mount it\n"},
	} {
		p, stderr := inImage(t, c, map[string]string{"AUGEAS_LENS_LIB": lenses, "PASSWORD": "top\nsecret"})
		if code := p.run(t.Context(), append([]string{"config"}, strings.Fields(test.args)...)); code != exitConfig {
			t.Errorf("%s: exit code %d, want %d", test.args, code, exitConfig)
		}
		if diff := cmp.Diff(test.want, stderr.String()); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", test.args, diff)
		}
		if read(t, file) != serverConf {
			t.Errorf("%s: the file has changed", test.args)
		}
	}
}

func TestConfig_noAugtool(t *testing.T) {
	p, stderr, _ := withSettings(t, serverConf, nil, contract.Setting{Path: "s/k", Value: "v"})
	t.Setenv("PATH", t.TempDir())
	if code := p.run(t.Context(), []string{"config", "pulp"}); code != exitConfig || !strings.Contains(stderr.String(), "install the package augeas") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}

func TestConfig_bracketsIPv6(t *testing.T) {
	p, stderr, file := withSettings(t, serverConf, map[string]string{"DB_HOST": "fd00::7", "PORT": "27017"},
		contract.Setting{Path: "database/seeds", Value: "${DB_HOST}:${PORT}"},
		contract.Setting{Path: "database/host", Value: "${DB_HOST}"},
		contract.Setting{Path: "messaging/url", Value: "qpid://guest@${DB_HOST}:5672"},
	)
	if code := p.run(t.Context(), []string{"config", "pulp"}); code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, want := range []string{"seeds: [fd00::7]:27017\n", "host: fd00::7\n", "url: qpid://guest@[fd00::7]:5672\n"} {
		if text := read(t, file); !strings.Contains(text, want) {
			t.Errorf("the file lacks %q:\n%s", want, text)
		}
	}
}
