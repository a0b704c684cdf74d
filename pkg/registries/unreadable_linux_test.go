package registries

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/pulpimg/pulpimg/test/needs"
)

// What a user may not read is an error for its registry alone.
func TestReadDirs_unreadable(t *testing.T) {
	m := newMachine(t)
	certs := newPair(t, nil)
	key := m.write(t, "etc/docker/certs.d/key.test/client.key", certs.key)
	m.write(t, "etc/docker/certs.d/key.test/client.cert", certs.cert)
	m.write(t, "etc/docker/certs.d/closed.test/ca.crt", certs.cert)
	closed := m.path("etc/docker/certs.d/closed.test")
	toml := m.write(t, "etc/docker/certs.d/toml.test/hosts.toml", "# nothing\n")
	m.write(t, "etc/containerd/certs.d/r.test/ca.crt", certs.cert)
	root := m.path("etc/containerd/certs.d")
	for _, file := range []string{key, closed, toml, root} {
		if err := os.Chmod(file, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(file, 0o700) })
	}
	var (
		config *Config
		err    error
	)
	load := func() { config, err = Load(Options{Root: m.root}) }
	if os.Geteuid() == 0 { // who may read everything
		give(t, filepath.Dir(m.root), needs.Nobody)
		needs.AsNobody(t, load)
	} else {
		load()
	}
	if err != nil {
		t.Fatal(err)
	}
	for registry, want := range map[string]string{"key.test": "client.key: permission denied", "toml.test": "hosts.toml: permission denied", "closed.test": "", "r.test": ""} {
		_, err := config.Sources(registry + "/a")
		wantError(t, err, want)
	}
}

// give gives a directory, with all that is in it, to a user.
func give(t *testing.T, dir string, user int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(name, user, -1)
	})
	if err != nil {
		t.Fatal(err)
	}
}
