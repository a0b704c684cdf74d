package registries

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	etcConf  = "etc/containers/registries.conf"
	homeConf = "home/.config/containers/registries.conf"
	someHash = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

// places returns the references of sources, those of mirrors with a mark.
func places(sources []Source) string {
	var out []string
	for _, s := range sources {
		mark := ""
		if s.Mirror {
			mark = "m:"
		}
		out = append(out, mark+s.Reference)
	}
	return strings.Join(out, " ")
}

func TestSources_registriesConf(t *testing.T) {
	const mirrored = "[[registry]]\nlocation = \"r.test\"\n[[registry.mirror]]\nlocation = \"one.test/r\"\n[[registry.mirror]]\nlocation = \"two.test:5000\"\n"
	for _, test := range []struct{ name, conf, ref, want string }{
		{"nothing is said", mirrored, "other.test/a:1", "other.test/a:1"},
		{"mirrors are asked in their order", mirrored, "r.test/a/b:1", "m:one.test/r/a/b:1 m:two.test:5000/a/b:1 r.test/a/b:1"},
		{"by digest", mirrored, "r.test/a" + someHash, "m:one.test/r/a" + someHash + " m:two.test:5000/a" + someHash + " r.test/a" + someHash},
		{"by tag and digest", mirrored, "r.test/a:1" + someHash, "m:one.test/r/a:1" + someHash + " m:two.test:5000/a:1" + someHash + " r.test/a:1" + someHash},
		{"another port is another registry", mirrored, "r.test:5000/a:1", "r.test:5000/a:1"},
		{"a longer name is another registry", mirrored, "r.test.example/a:1", "r.test.example/a:1"},
		{"without a tag", mirrored, "r.test/a", "m:one.test/r/a m:two.test:5000/a r.test/a"},
		{"another location", "[[registry]]\nprefix = \"r.test/old\"\nlocation = \"new.test:5000/x\"\n", "r.test/old/a:1", "m:new.test:5000/x/a:1"},
		{"outside of the prefix", "[[registry]]\nprefix = \"r.test/old\"\nlocation = \"new.test\"\n", "r.test/older/a:1", "r.test/older/a:1"},
		{"the longest prefix", "[[registry]]\nprefix = \"r.test\"\nlocation = \"short.test\"\n[[registry]]\nprefix = \"r.test/a\"\nlocation = \"long.test\"\n", "r.test/a/b:1", "m:long.test/b:1"},
		{"a prefix that is one image", "[[registry]]\nprefix = \"r.test/a\"\nlocation = \"new.test/b\"\n", "r.test/a:1", "m:new.test/b:1"},
		{"a wildcard", "[[registry]]\nprefix = \"*.r.test\"\nlocation = \"new.test\"\n", "x.y.r.test:5000/a:1", "m:new.test:5000/a:1"},
		{"a wildcard is not the domain itself", "[[registry]]\nprefix = \"*.r.test\"\nlocation = \"new.test\"\n", "r.test/a:1", "r.test/a:1"},
		{"a wildcard without location", "[[registry]]\nprefix = \"*.r.test\"\n[[registry.mirror]]\nlocation = \"m.test\"\n", "x.r.test/a:1", "m:m.test/a:1 x.r.test/a:1"},
		{"a short name is of Docker Hub", "[[registry]]\nlocation = \"docker.io\"\n[[registry.mirror]]\nlocation = \"m.test/hub\"\n", "fedora:20", "m:m.test/hub/library/fedora:20 fedora:20"},
		{"a mirror of the official images", "[[registry]]\nlocation = \"docker.io/library\"\n[[registry.mirror]]\nlocation = \"m.test\"\n", "debian", "m:m.test/debian debian"},
		{"mirror-by-digest-only, a tag", "[[registry]]\nlocation = \"r.test\"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = \"m.test\"\n", "r.test/a:1", "r.test/a:1"},
		{"mirror-by-digest-only, a digest", "[[registry]]\nlocation = \"r.test\"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = \"m.test\"\n", "r.test/a" + someHash, "m:m.test/a" + someHash + " r.test/a" + someHash},
		{"pull-from-mirror", "[[registry]]\nlocation = \"r.test\"\n[[registry.mirror]]\nlocation = \"d.test\"\npull-from-mirror = \"digest-only\"\n" +
			"[[registry.mirror]]\nlocation = \"t.test\"\npull-from-mirror = \"tag-only\"\n", "r.test/a:1", "m:t.test/a:1 r.test/a:1"},
		{"something blocked elsewhere", "[[registry]]\nlocation = \"r.test/bad\"\nblocked = true\n", "r.test/good:1", "r.test/good:1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMachine(t)
			m.write(t, etcConf, test.conf)
			got, err := m.load(t, Options{}).Sources(test.ref)
			if err != nil || places(got) != test.want {
				t.Errorf("%s is pulled from %s (%v), want %s", test.ref, places(got), err, test.want)
			}
		})
	}
}

func TestSources_refused(t *testing.T) {
	m := newMachine(t)
	m.write(t, etcConf, "[[registry]]\nlocation = \"r.test/bad\"\nblocked = true\n[[registry]]\nlocation = \"p.test\"\n[[registry.mirror]]\nlocation = \"proxy.test\"\nnamespace-proxy = \"p.test\"\n")
	config := m.load(t, Options{Mirrors: []Mirror{{Of: "r.test", At: "m.test"}}})
	_, err := config.Sources("r.test/bad/a:1")
	var blocked *BlockedError
	if !errors.As(err, &blocked) || blocked.Registry != "r.test/bad" {
		t.Errorf("a blocked registry: %v", err)
	}
	var file *FileError
	if _, err = config.Sources("p.test/a:1"); !errors.As(err, &file) {
		t.Errorf("a proxy by namespace: %v", err)
	}
	_, err = config.Sources("R.test/UPPER")
	wantError(t, err, `reading the reference "R.test/UPPER"`)
}

func TestLoad_registriesConf(t *testing.T) {
	const of = "[[registry]]\nprefix = \"r.test\"\nlocation = %q\n"
	entry := func(location string) string { return strings.Replace(of, "%q", `"`+location+`"`, 1) }
	for _, test := range []struct {
		name  string
		files map[string]string // by their names
		env   map[string]string // variables, and the names of files
		want  string
	}{
		{"the machine's", map[string]string{etcConf: entry("etc.test")}, nil, "m:etc.test/a:1"},
		{"the user's is read instead", map[string]string{etcConf: entry("etc.test"), homeConf: entry("home.test")}, nil, "m:home.test/a:1"},
		{"XDG_CONFIG_HOME", map[string]string{homeConf: entry("home.test"), "xdg/containers/registries.conf": entry("xdg.test")}, map[string]string{"XDG_CONFIG_HOME": "xdg"}, "m:xdg.test/a:1"},
		{"a drop-in comes later", map[string]string{homeConf: entry("home.test"), etcConf + ".d/10.conf": entry("ten.test"), etcConf + ".d/20.conf": entry("twenty.test")}, nil, "m:twenty.test/a:1"},
		{"a file that is no drop-in", map[string]string{homeConf: entry("home.test"), etcConf + ".d/10.conf~": entry("ten.test")}, nil, "m:home.test/a:1"},
		{"a file that is named", map[string]string{homeConf: entry("home.test"), etcConf + ".d/10.conf": entry("ten.test"), "mine.conf": entry("mine.test")},
			map[string]string{"CONTAINERS_REGISTRIES_CONF": "mine.conf"}, "m:mine.test/a:1"},
		{"nothing", map[string]string{homeConf: entry("home.test"), "nothing": ""}, map[string]string{"CONTAINERS_REGISTRIES_CONF": "nothing"}, "r.test/a:1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMachine(t)
			for name, text := range test.files {
				m.write(t, name, text)
			}
			for name, file := range test.env {
				t.Setenv(name, m.path(file))
			}
			got, err := m.load(t, Options{}).Sources("r.test/a:1")
			if err != nil || places(got) != test.want {
				t.Errorf("it is pulled from %s (%v), want %s", places(got), err, test.want)
			}
		})
	}
}

// A change of the environment counts at once: the library keeps what it has read.
func TestLoad_withoutRegistriesConf(t *testing.T) {
	m := newMachine(t)
	m.write(t, homeConf, "[[registry]]\nlocation = \"r.test\"\nblocked = true\n")
	if _, err := m.load(t, Options{}).Sources("r.test/a:1"); err == nil {
		t.Error("the registry is not blocked")
	}
	t.Setenv("CONTAINERS_REGISTRIES_CONF", "/dev/null")
	if _, err := m.load(t, Options{}).Sources("r.test/a:1"); err != nil {
		t.Error(err)
	}
}

func TestLoad_damagedRegistriesConf(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"no TOML", "[[registry]\n", homeConf},
		{"version 1", "[registries.search]\nregistries = ['r.test']\n", "must be in v2 format but is in v1"},
		{"an address", "[[registry]]\nlocation = \"https://r.test\"\n", "URI schemes are not supported"},
		{"both restrictions of mirrors", "[[registry]]\nlocation = \"r.test\"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = \"m.test\"\npull-from-mirror = \"all\"\n", "at the same time"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMachine(t)
			m.write(t, homeConf, test.text)
			_, err := Load(Options{Root: m.root})
			var file *FileError
			if !errors.As(err, &file) || filepath.Base(file.File) != "registries.conf" {
				t.Errorf("the error is %v, want one about registries.conf", err)
			}
			wantError(t, err, test.want)
		})
	}
	m := newMachine(t)
	t.Setenv("CONTAINERS_REGISTRIES_CONF", m.path("missing.conf"))
	_, err := Load(Options{Root: m.root})
	wantError(t, err, "missing.conf: no such file")
}

// A mirror that may be anybody gets no more trust than that of a mirror.
func TestHosts_insecure(t *testing.T) {
	m := newMachine(t)
	m.write(t, etcConf, `[[registry]]
location = "plain.test:5000/team"
insecure = true
[[registry]]
location = "r.test"
[[registry.mirror]]
location = "m.test/r"
insecure = true
[[registry]]
prefix = "*.wild.test"
insecure = true
`)
	config := m.load(t, Options{})
	want := map[string]Host{
		"plain.test:5000": {PlainHTTP: true, Unverified: true},
		"m.test":          {PlainHTTP: true, Unverified: true},
	}
	if diff := cmp.Diff(want, config.Hosts()); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
	for host, want := range map[string]Host{"plain.test:5000": {PlainHTTP: true, Unverified: true}, "m.test": {}, "r.test": {}} {
		for _, scheme := range []string{"http", "https"} {
			if diff := cmp.Diff(want, config.Host(scheme, host)); diff != "" {
				t.Errorf("%s of %s (-want +got):\n%s", host, scheme, diff)
			}
		}
	}
}

func TestSources_mirrorsOfOptions(t *testing.T) {
	m := newMachine(t)
	m.write(t, etcConf, "[[registry]]\nlocation = \"r.test\"\n[[registry.mirror]]\nlocation = \"file.test\"\n")
	config := m.load(t, Options{Mirrors: []Mirror{
		{Of: "r.test", At: "one.test:5000/r"}, {Of: "docker.io", At: "hub.test"}, {Of: "r.test/team", At: "two.test"}, {Of: "localhost:5000", At: "localhost:5001"},
	}})
	for ref, want := range map[string]string{
		"r.test/team/a:1":    "m:one.test:5000/r/team/a:1 m:two.test/a:1 m:file.test/team/a:1 r.test/team/a:1",
		"r.test/teams/a:1":   "m:one.test:5000/r/teams/a:1 m:file.test/teams/a:1 r.test/teams/a:1",
		"debian:12":          "m:hub.test/library/debian:12 debian:12",
		"docker.io/x/y":      "m:hub.test/x/y docker.io/x/y",
		"localhost:5000/a:1": "m:localhost:5001/a:1 localhost:5000/a:1",
		"localhost/a:1":      "localhost/a:1",
	} {
		if got, err := config.Sources(ref); err != nil || places(got) != want {
			t.Errorf("%s is pulled from %s (%v), want %s", ref, places(got), err, want)
		}
	}
}

func TestMirror_Check(t *testing.T) {
	for _, m := range []Mirror{{"docker.io", "m.test"}, {"docker.io/library", "m.test/hub"}, {"r.test:5000", "localhost"}, {"[::1]:5000", "10.0.0.1:5000/a/b"}} {
		if err := m.Check(); err != nil {
			t.Errorf("%s at %s: %v", m.Of, m.At, err)
		}
	}
	for _, bad := range []string{"", "library", "debian/x", "https://m.test", "m.test/", "m.test/a:1", "m.test/a" + someHash, "m.test/A", "m.test/../x", "*.m.test", "user@m.test", "m.test?x"} {
		for _, m := range []Mirror{{bad, "m.test"}, {"r.test", bad}} {
			if m.Check() == nil {
				t.Errorf("%q is taken for a place (mirror %q at %q)", bad, m.Of, m.At)
			}
			if _, err := Load(Options{Root: t.TempDir(), Mirrors: []Mirror{m}}); err == nil {
				t.Errorf("%q at %q is loaded", m.Of, m.At)
			}
		}
	}
}

func TestConfig_zero(t *testing.T) {
	var config Config
	if got, err := config.Sources("debian"); err != nil || places(got) != "debian" {
		t.Errorf("debian is pulled from %s (%v)", places(got), err)
	}
	if got := config.Hosts(); len(got) > 0 {
		t.Errorf("it knows the hosts %v", got)
	}
	if got := config.Host("https", "r.test"); !got.isZero() {
		t.Errorf("it knows %v", got)
	}
	if got, err := config.Bundle(); len(got) > 0 || err != nil {
		t.Errorf("it trusts %q (%v)", got, err)
	}
}
