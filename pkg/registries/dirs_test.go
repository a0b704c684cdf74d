package registries

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadDirs_order(t *testing.T) {
	cert := newPair(t, nil).cert
	all := []string{
		"home/.config/containers/certs.d", "etc/containers/certs.d", "home/.config/docker/certs.d", "etc/docker/certs.d",
		"home/.config/containerd/certs.d", "etc/containerd/certs.d",
	}
	for i, first := range all {
		m := newMachine(t)
		for _, dir := range all[i:] {
			m.write(t, dir+"/r.test:5000/ca.crt", cert)
		}
		want := map[string]Host{"r.test:5000": {CAs: []string{m.path(first + "/r.test:5000/ca.crt")}}}
		if diff := cmp.Diff(want, m.load(t, Options{}).Hosts()); diff != "" {
			t.Errorf("hosts (-want +got):\n%s", diff)
		}
	}
	m := newMachine(t)
	t.Setenv("XDG_CONFIG_HOME", m.path("xdg"))
	m.write(t, "home/.config/containers/certs.d/home.test/ca.crt", cert)
	m.write(t, "xdg/containers/certs.d/xdg.test/ca.crt", cert)
	if got := m.load(t, Options{}).Hosts(); len(got) != 1 || got["xdg.test"].isZero() {
		t.Errorf("with XDG_CONFIG_HOME: %v", got)
	}
	t.Chdir(m.root)
	relative := func(name string) string {
		return map[string]string{"XDG_CONFIG_HOME": "xdg", "HOME": m.path("home")}[name]
	}
	if got := m.load(t, Options{Getenv: relative}).Hosts(); len(got) != 1 || got["home.test"].isZero() {
		t.Errorf("with a relative XDG_CONFIG_HOME: %v", got)
	}
	none := func(string) string { return "" }
	if got := m.load(t, Options{Getenv: none}).Hosts(); len(got) != 0 {
		t.Errorf("without a home: %v", got)
	}
}

func TestReadDirs_files(t *testing.T) {
	m := newMachine(t)
	certs := newPair(t, nil)
	dir := "etc/docker/certs.d/"
	for name, content := range map[string]string{
		"R.test:443/ca.crt": certs.cert, "R.test:443/b.crt": certs.cert, "R.test:443/client.cert": certs.cert, "R.test:443/client.key": certs.key, "R.test:443/notes.txt": "",
		"ip.test_5000_/ca.crt": certs.cert, "[fd00::7]:5000/ca.crt": certs.cert, "file.test": "",
		"empty.test/hosts.toml": "", "empty.test/ca.crt": certs.cert,
		"toml.test/hosts.toml": "# nothing\n", "toml.test/ca.crt": certs.cert, // then it alone counts, as it does for containerd
	} {
		m.write(t, dir+name, content)
	}
	at := func(name string) string { return m.path(dir + name) }
	want := map[string]Host{
		"r.test": {
			CAs:   []string{at("R.test:443/b.crt"), at("R.test:443/ca.crt")},
			Pairs: []Pair{{at("R.test:443/client.cert"), at("R.test:443/client.key")}},
		},
		"ip.test:5000":   {CAs: []string{at("ip.test_5000_/ca.crt")}},
		"[fd00::7]:5000": {CAs: []string{at("[fd00::7]:5000/ca.crt")}},
		"empty.test":     {CAs: []string{at("empty.test/ca.crt")}},
	}
	if diff := cmp.Diff(want, m.load(t, Options{}).Hosts()); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
}

// Files of one registry that cannot be used are no matter of the others.
func TestReadDirs_damaged(t *testing.T) {
	certs, other := newPair(t, nil), newPair(t, nil)
	for _, test := range []struct {
		name, file string
		files      map[string]string
		want       string
	}{
		{"an authority that is none", "ca.crt", map[string]string{"ca.crt": certs.key}, "no certificate in it"},
		{"a certificate without key", "client.cert", map[string]string{"client.cert": certs.cert}, "using it with client.key: no such file"},
		{"another key", "client.cert", map[string]string{"client.cert": certs.cert, "client.key": other.key}, "using it with client.key: tls: private key does not match"},
		{"a key that is none", "client.cert", map[string]string{"client.cert": certs.cert, "client.key": "x"}, "using it with client.key"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMachine(t)
			for name, content := range test.files {
				m.write(t, "etc/docker/certs.d/r.test/"+name, content)
			}
			config := m.load(t, Options{})
			_, err := config.Sources("r.test/a")
			var file *FileError
			if !errors.As(err, &file) || file.File != m.path("etc/docker/certs.d/r.test/"+test.file) {
				t.Errorf("the error is %v, want one about %s", err, test.file)
			}
			wantError(t, err, test.want)
			if _, err := config.Sources("other.test/a"); err != nil {
				t.Errorf("another registry: %v", err)
			}
		})
	}
}

func TestReadDirs_rootIsAFile(t *testing.T) {
	m := newMachine(t)
	file := m.write(t, "etc/docker/certs.d", "")
	_, err := Load(Options{Root: m.root})
	wantError(t, err, file)
}

func TestHostOfDir(t *testing.T) {
	for name, want := range map[string]string{
		"r.test": "r.test", "r.test:5000": "r.test:5000", "r.test_5000_": "r.test:5000", "my_host_5000_": "my_host:5000", "[::1]_5000_": "[::1]:5000",
		"_default": "_default", "r_test": "r_test", "__": "__", "_5000_": "_5000_",
	} {
		if got := hostOfDir(name); got != want {
			t.Errorf("%s is for %s, want %s", name, got, want)
		}
	}
}
