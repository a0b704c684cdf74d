package registries

import (
	"errors"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// hostsOf loads a hosts.toml for the registry r.test, beside the files of a pair of certificates: ca.crt, c.cert, c.key and both.pem.
func hostsOf(t *testing.T, certs pair, text string) (config *Config, dir string) {
	t.Helper()
	m := newMachine(t)
	const at = "etc/containerd/certs.d/r.test/"
	for name, content := range map[string]string{
		"ca.crt": certs.cert, "c.cert": certs.cert, "c.key": certs.key, "both.pem": certs.cert + certs.key, "hosts.toml": text,
	} {
		m.write(t, at+name, content)
	}
	return m.load(t, Options{}), m.path(at)
}

func TestReadHosts(t *testing.T) {
	certs := newPair(t, nil)
	for _, test := range []struct {
		name, text string
		want       map[string]Host // DIR stands for the directory
	}{
		{"nothing", "# nothing\n", map[string]Host{}},
		{"the registry itself", "server = \"https://r.test\"\n", map[string]Host{}},
		{"the registry itself, with its default port and path", "server = \"https://r.test:443/v2/\"\n", map[string]Host{}},
		{"a mirror", "[host.\"https://m.test\"]\ncapabilities = [\"pull\", \"Resolve\"]\n", map[string]Host{"r.test": {Mirrors: []string{"m.test"}}}},
		{"a mirror without scheme", "[host.\"m.test:5000\"]\n", map[string]Host{"r.test": {Mirrors: []string{"m.test:5000"}}}},
		{"the order of the file", "[host.\"https://z.test\"]\n[host.\"https://a.test\"]\n[host.\"https://m.test\"]\n",
			map[string]Host{"r.test": {Mirrors: []string{"z.test", "a.test", "m.test"}}}},
		{"http", "[host.\"http://m.test:5000\"]\n", map[string]Host{"r.test": {Mirrors: []string{"m.test:5000"}}, "m.test:5000": {PlainHTTP: true}}},
		{"http at its default port", "[host.\"http://m.test:80\"]\n", map[string]Host{"r.test": {Mirrors: []string{"m.test:80"}}, "m.test": {PlainHTTP: true}}},
		{"skip_verify", "[host.\"https://m.test\"]\nskip_verify = true\n", map[string]Host{"r.test": {Mirrors: []string{"m.test"}}, "m.test": {Unverified: true}}},
		{"skip_verify of the registry", "skip_verify = true\n", map[string]Host{"r.test": {Unverified: true}}},
		{"an authority", "ca = \"ca.crt\"\n", map[string]Host{"r.test": {CAs: []string{"DIR/ca.crt"}}}},
		{"authorities", "[host.\"https://m.test\"]\nca = [\"ca.crt\", \"both.pem\"]\n",
			map[string]Host{"r.test": {Mirrors: []string{"m.test"}}, "m.test": {CAs: []string{"DIR/ca.crt", "DIR/both.pem"}}}},
		{"a client in one file", "client = \"both.pem\"\n", map[string]Host{"r.test": {Pairs: []Pair{{"DIR/both.pem", "DIR/both.pem"}}}}},
		{"clients in one file each", "client = [\"both.pem\"]\n", map[string]Host{"r.test": {Pairs: []Pair{{"DIR/both.pem", "DIR/both.pem"}}}}},
		{"a client in two files", "[host.\"https://m.test\"]\nclient = [[\"c.cert\", \"c.key\"]]\n",
			map[string]Host{"r.test": {Mirrors: []string{"m.test"}}, "m.test": {Pairs: []Pair{{"DIR/c.cert", "DIR/c.key"}}}}},
		{"a path behind /v2", "[host.\"https://m.test/v2/proxy/\"]\noverride_path = true\n", map[string]Host{"r.test": {Mirrors: []string{"m.test/proxy"}}}},
		{"/v2 itself", "[host.\"https://m.test/v2\"]\n[host.\"https://n.test/v2/\"]\noverride_path = true\n", map[string]Host{"r.test": {Mirrors: []string{"m.test", "n.test"}}}},
		{"a host that is pushed to", "[host.\"https://m.test/x\"]\ncapabilities = [\"push\"]\n", map[string]Host{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			config, dir := hostsOf(t, certs, test.text)
			if _, err := config.Sources("r.test/a"); err != nil {
				t.Fatal(err)
			}
			for host, h := range test.want {
				for i := range h.CAs {
					h.CAs[i] = dir + h.CAs[i][len("DIR"):]
				}
				for i, p := range h.Pairs {
					h.Pairs[i] = Pair{dir + p.Cert[len("DIR"):], dir + p.Key[len("DIR"):]}
				}
				test.want[host] = h
			}
			if diff := cmp.Diff(test.want, config.Hosts()); diff != "" {
				t.Errorf("hosts (-want +got):\n%s", diff)
			}
		})
	}
}

// What is not done as containerd does it is an error, but not before the registry is used.
func TestReadHosts_unsupported(t *testing.T) {
	certs := newPair(t, nil)
	for _, test := range []struct{ name, text, want string }{
		{"no TOML", "[host.\n", "toml"},
		{"a key of another type", "skip_verify = \"yes\"\n", "skip_verify"},
		{"an unknown key", "[host.\"https://m.test\"]\nskip_verfy = true\n", "skip_verfy"},
		{"another registry", "server = \"https://other.test\"\n", "registries.conf can say the same"},
		{"the registry without TLS", "server = \"http://r.test\"\n", "is not the registry itself"},
		{"a path before /v2", "[host.\"https://m.test/artifactory\"]\n", `host "https://m.test/artifactory": a path before /v2`},
		{"/v2 and a path without override_path", "[host.\"https://m.test/v2/proxy\"]\n", "a path before /v2"},
		{"override_path elsewhere", "[host.\"https://m.test/proxy\"]\noverride_path = true\n", "does not begin with /v2"},
		{"override_path with a path that only looks like it", "[host.\"https://m.test/v2x\"]\noverride_path = true\n", "does not begin with /v2"},
		{"override_path that leads out of /v2", "[host.\"https://m.test/v2/../x\"]\noverride_path = true\n", "does not begin with /v2"},
		{"a mirror of digests alone", "[host.\"https://m.test\"]\ncapabilities = [\"pull\"]\n", "pull and resolve"},
		{"an unknown capability", "[host.\"https://m.test\"]\ncapabilities = [\"pull\", \"resolv\"]\n", `"resolv" is unknown`},
		{"a header", "[host.\"https://m.test\"]\n[host.\"https://m.test\".header]\nx = \"y\"\n", "header and dial_timeout"},
		{"a header without more", "[host.\"https://m.test\".header]\nx = \"y\"\n", "header and dial_timeout"},
		{"a header for the registry", "[header]\nx = \"y\"\n", "header and dial_timeout"},
		{"dial_timeout", "dial_timeout = \"1s\"\n", "header and dial_timeout"},
		{"an address of another scheme", "[host.\"unix:///m.sock\"]\n", "not an address"},
		{"credentials", "[host.\"https://jo:secret@m.test\"]\n", `"https://jo:xxxxx@m.test": more than a host and a path`},
		{"a query", "[host.\"https://m.test?x\"]\n", "more than a host and a path"},
		{"a query in the path", "[host.\"https://m.test/v2/%3Fx\"]\noverride_path = true\n", "more than a host and a path"},
		{"no address", "[host.\"https://\"]\n", "not an address"},
		{"a missing authority", "ca = \"missing.crt\"\n", "missing.crt: no such file"},
		{"a key as authority", "ca = \"c.key\"\n", "no certificate in it"},
		{"a number as authority", "ca = 1\n", "neither a file nor a list"},
		{"a list with a number", "ca = [\"ca.crt\", 1]\n", "neither a file nor a list"},
		{"a client without its key", "client = \"c.cert\"\n", "c.cert"},
		{"a client of three files", "client = [[\"c.cert\", \"c.key\", \"ca.crt\"]]\n", "one or two files"},
		{"a client of two files that are a list of clients", "client = [\"c.cert\", \"c.key\"]\n", "c.cert"},
	} {
		t.Run(test.name, func(t *testing.T) {
			config, dir := hostsOf(t, certs, test.text)
			_, err := config.Sources("r.test/a")
			var file *FileError
			if !errors.As(err, &file) || file.File != dir+"/hosts.toml" {
				t.Errorf("the error is %v, want one about hosts.toml", err)
			}
			wantError(t, err, test.want)
			if _, err := config.Sources("other.test/a"); err != nil {
				t.Errorf("another registry: %v", err)
			}
			for host, h := range config.Hosts() {
				if len(h.Mirrors) > 0 {
					t.Errorf("%s still has the mirrors %v", host, h.Mirrors)
				}
			}
		})
	}
}

func TestReadHosts_dockerHub(t *testing.T) {
	m := newMachine(t)
	m.write(t, "etc/containerd/certs.d/docker.io/hosts.toml", "server = \"https://registry-1.docker.io\"\n[host.\"https://m.test\"]\n")
	config := m.load(t, Options{})
	if _, err := config.Sources("debian"); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(map[string]Host{"docker.io": {Mirrors: []string{"m.test"}}}, config.Hosts()); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
}

func TestReadHosts_everyOther(t *testing.T) {
	for _, test := range []struct{ name, file, text, want string }{
		{"a mirror", "hosts.toml", "[host.\"https://m.test\"]\n", "for all other registries"},
		{"a server", "hosts.toml", "server = \"https://m.test\"\n", "for all other registries"},
		{"no verification", "hosts.toml", "skip_verify = true\n", "for all other registries"},
		{"a certificate", "ca.crt", newPair(t, nil).cert, "for all other registries"},
		{"nothing", "hosts.toml", "# nothing\n", ""},
		{"no file", "README", "nothing", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMachine(t)
			m.write(t, "etc/containerd/certs.d/_default/"+test.file, test.text)
			m.write(t, "etc/containerd/certs.d/own.test/hosts.toml", "# nothing\n")
			config := m.load(t, Options{PlainHTTP: []string{"plain.test"}})
			_, err := config.Sources("other.test/a")
			wantError(t, err, test.want)
			if _, err := config.Sources("own.test/a"); err != nil {
				t.Errorf("a registry with a file: %v", err)
			}
			if hosts := config.Hosts(); len(hosts) != 1 {
				t.Errorf("it knows the hosts %v", hosts)
			}
		})
	}
}

// No text makes a mirror that an engine would take for something else, and none breaks the program.
func FuzzHosts(f *testing.F) {
	f.Add("server = \"https://r.test\"\n[host.\"https://m.test/v2/proxy\"]\noverride_path = true\ncapabilities = [\"pull\", \"resolve\"]\n")
	f.Add("ca = [\"a\", [\"b\"]]\nclient = [[\"c\", \"d\"]]\nskip_verify = true\n")
	f.Add("[host.\"http://[::1]:5000\"]\n[host.\"m.test\".header]\nx = 1\n")
	f.Add("host = { \"https://m.test\" = { dial_timeout = \"1s\" } }\n")
	f.Fuzz(func(t *testing.T, text string) {
		config := &Config{hosts: map[string]Host{}, asMirror: map[string]Host{}}
		err := config.readHosts(t.TempDir(), "r.test", text)
		mirrors := config.Hosts()["r.test"].Mirrors
		if err != nil && len(mirrors) > 0 {
			t.Errorf("there are the mirrors %q beside the error %v", mirrors, err)
		}
		for _, place := range mirrors {
			if u, err := url.Parse("//" + place); err != nil || u.Host+u.Path != place {
				t.Errorf("the mirror %q is taken for %v (%v)", place, u, err)
			}
		}
	})
}
