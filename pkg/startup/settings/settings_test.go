//go:build linux

package settings_test

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pulpimg/pulpimg/pkg/startup/contract"
	"github.com/pulpimg/pulpimg/pkg/startup/settings"
	"github.com/pulpimg/pulpimg/test/needs"
)

const lens = "pulpconf.aug"

// writer returns a writer that knows the lens.
func writer(t testing.TB) settings.Writer {
	t.Helper()
	needs.Tool(t, "augtool")
	dir, err := filepath.Abs("../../../assets")
	if err != nil {
		t.Fatal(err)
	}
	return settings.Writer{LensDirs: settings.LensDirs(dir)}
}

// settingsFile makes a settings file.
func settingsFile(t testing.TB, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "server.conf")
	if err := os.WriteFile(file, []byte(content), 0o640); err != nil {
		t.Fatal(err)
	}
	return file
}

func read(t testing.TB, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// set is PATH, VALUE, PATH, VALUE and so on.
func set(pairs ...string) []contract.Setting {
	var out []contract.Setting
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, contract.Setting{Path: pairs[i], Value: pairs[i+1]})
	}
	return out
}

// resolved returns a file with settings whose values name no variables.
func resolved(t testing.TB, file string, pairs ...string) settings.File {
	t.Helper()
	f, err := settings.Resolve(settingsOf(file, lens, pairs...), noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// python is the interpreter whose ConfigParser reads back what was written; another one, such as a Python 2, can be named.
func python() string { return cmp.Or(os.Getenv("PYTHON"), "python3") }

// configParser returns what ConfigParser reads.
func configParser(ctx context.Context, t testing.TB, file string) map[string]map[string]string {
	t.Helper()
	needs.Tool(t, python())
	out, err := exec.CommandContext(ctx, python(), "testdata/read.py", file).Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", python(), err, read(t, file))
	}
	var values map[string]map[string]string
	if err := json.Unmarshal(out, &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// noEnvironment is for settings whose values name no variables.
var noEnvironment = contract.Environment{}

func settingsOf(file, lens string, pairs ...string) contract.Settings {
	return contract.Settings{Name: "s", File: file, Lens: lens, Set: set(pairs...)}
}
