package registries

import (
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain keeps the registries.conf of the real machine out of the example.
func TestMain(m *testing.M) {
	if err := os.Setenv("CONTAINERS_REGISTRIES_CONF", "/dev/null"); err != nil {
		log.Fatal(err)
	}
	os.Exit(m.Run())
}

// A machine is what stands for the machine of a test, with a home in it. Nothing of the real one is read.
type machine struct{ root string }

func newMachine(t *testing.T) machine {
	t.Helper()
	m := machine{t.TempDir()}
	for _, name := range []string{"CONTAINERS_REGISTRIES_CONF", "CONTAINERS_REGISTRIES_CONF_OVERRIDE", "XDG_CONFIG_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR"} {
		t.Setenv(name, "") // sets it back in the end
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("HOME", m.path("home"))
	return m
}

func (m machine) path(name string) string { return filepath.Join(m.root, filepath.FromSlash(name)) }

// write writes a file, and the directories that it is in.
func (m machine) write(t *testing.T, name, content string) string {
	t.Helper()
	file := m.path(name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func (m machine) load(t *testing.T, o Options) *Config {
	t.Helper()
	o.Root = m.root
	config, err := Load(o)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// wantError reports an error that does not have a text.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("the error is %v, want one with %q", err, want)
	}
}
