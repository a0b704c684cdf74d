package engine

import (
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/pkg/registries"
)

func TestRunning_serves(t *testing.T) {
	t.Setenv("CONTAINERS_REGISTRIES_CONF", "/dev/null")
	of := func(bundle string, plainHTTP []string, environ ...string) running {
		config, err := registries.Load(registries.Options{PlainHTTP: plainHTTP, Root: t.TempDir(), Getenv: func(string) string { return "" }})
		if err != nil {
			t.Fatal(err)
		}
		r, err := newRunning(bundle, config, environ)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	engine := of("a", []string{"one.test", "two.test"}, "HTTP_PROXY=http://proxy", "PATH=/bin")
	other := of("a", nil, "HTTP_PROXY=http://proxy")
	other.Format++
	anySettings, anyOfOther := of("a", nil), of("b", nil)
	anySettings.any, anyOfOther.any = true, true
	for _, test := range []struct {
		name   string
		wanted running
		want   bool
	}{
		{"the same", of("a", []string{"two.test", "one.test"}, "HTTP_PROXY=http://proxy"), true},
		{"fewer registries", of("a", []string{"two.test"}, "HTTP_PROXY=http://proxy"), true},
		{"another registry", of("a", []string{"three.test"}, "HTTP_PROXY=http://proxy"), false},
		{"other programs", of("b", nil, "HTTP_PROXY=http://proxy"), false},
		{"another PATH", of("a", nil, "HTTP_PROXY=http://proxy", "PATH=/usr/bin"), true},
		{"an empty variable", of("a", nil, "HTTP_PROXY=http://proxy", "no_proxy="), true},
		{"another proxy", of("a", nil, "HTTP_PROXY=http://other"), false},
		{"no proxy", of("a", nil), false},
		{"another format", other, false},
		{"any settings", anySettings, true},
		{"any settings, other programs", anyOfOther, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := engine.serves(test.wanted); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

// An engine may have more plain HTTP than is wanted, and nothing else: neither less trust than is needed, nor more.
func TestRunning_servesHosts(t *testing.T) {
	certs := registries.Host{CAs: []string{"/ca.crt"}}
	plain := registries.Host{PlainHTTP: true}
	unverified := registries.Host{Unverified: true}
	hosts := func(h registries.Host) map[string]registries.Host { return map[string]registries.Host{"r.test": h} }
	for _, test := range []struct {
		name         string
		here, wanted map[string]registries.Host
		want         bool
	}{
		{"neither knows any", nil, map[string]registries.Host{}, true},
		{"the same certificates", hosts(certs), hosts(certs), true},
		{"plain HTTP that nobody wants", hosts(plain), nil, true},
		{"certificates that are not known", nil, hosts(certs), false},
		{"certificates that are not wanted", hosts(certs), nil, false},
		{"no verification that is not wanted", hosts(unverified), nil, false},
		{"no verification, and no TLS", hosts(registries.Host{PlainHTTP: true, Unverified: true}), nil, false},
		{"plain HTTP where certificates are wanted", hosts(plain), hosts(certs), false},
		{"other certificates", hosts(certs), hosts(registries.Host{CAs: []string{"/other.crt"}}), false},
		{"other mirrors", hosts(registries.Host{Mirrors: []string{"a", "b"}}), hosts(registries.Host{Mirrors: []string{"b", "a"}}), false},
		{"another client", hosts(registries.Host{Pairs: []registries.Pair{{Cert: "/a", Key: "/b"}}}), hosts(registries.Host{Pairs: []registries.Pair{{Cert: "/a", Key: "/c"}}}), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := home(t.TempDir())
			if err := h.writeRunning(running{Format: runningFormat, Registries: test.here}); err != nil {
				t.Fatal(err)
			}
			here, err := h.readRunning()
			if err != nil {
				t.Fatal(err)
			}
			if got := here.serves(running{Format: runningFormat, Registries: test.wanted}); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func TestRunning_trusts(t *testing.T) {
	t.Setenv("CONTAINERS_REGISTRIES_CONF", "/dev/null")
	t.Setenv("SSL_CERT_FILE", "/dev/null")
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	describe := func(cas ...string) running {
		config, err := registries.Load(registries.Options{CAs: cas, Root: t.TempDir(), Getenv: func(string) string { return "" }})
		if err != nil {
			t.Fatal(err)
		}
		r, err := newRunning("a", config, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	with, without := describe(file), describe()
	if with.Trusted == "" || without.Trusted != "" || with.serves(without) || without.serves(with) || !with.serves(describe(file)) {
		t.Errorf("with an authority %q, without %q", with.Trusted, without.Trusted)
	}
	h := home(t.TempDir())
	if err := h.configure(with); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(h.trusted())
	if err != nil || digest.FromBytes(written).String() != with.Trusted {
		t.Errorf("the engine trusts %q (%v)", written, err)
	}
}

func TestReadRunning(t *testing.T) {
	h := home(t.TempDir())
	if got, err := h.readRunning(); got != nil || err != nil {
		t.Errorf("without a record: %v, %v", got, err)
	}
	want, err := newRunning("a", nil, []string{"https_proxy=http://proxy"})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.writeRunning(want); err != nil {
		t.Fatal(err)
	}
	got, err := h.readRunning()
	if diff := cmp.Diff(&want, got, cmp.AllowUnexported(running{})); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if err := os.WriteFile(h.running(), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := h.readRunning(); err != nil || got.serves(want) {
		t.Errorf("a damaged record: %v, %v", got, err)
	}
}

func TestPlaces(t *testing.T) {
	for _, test := range []struct {
		name, dir string
		elsewhere bool
	}{
		{"short", "/home/jo/.cache/pulpimg/engine", false},
		{"long for what stands for /run", "/home/" + strings.Repeat("x", 75), true},
		{"long for the socket", "/home/" + strings.Repeat("x", 90), true},
		{"a colon", "/home/a:b/engine", true},
		{"a blank", "/home/a b/engine", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := home(test.dir).places()
			if err != nil {
				t.Fatal(err)
			}
			if p.tmp != "" {
				defer os.RemoveAll(p.tmp)
			}
			if (p.tmp != "") != test.elsewhere || filepath.Dir(p.socket) != filepath.Dir(p.runtime) {
				t.Errorf("got %+v", p)
			}
			if p.tmp != "" && filepath.Dir(p.socket) != p.tmp {
				t.Errorf("%s is not in %s", p.socket, p.tmp)
			}
		})
	}
}
