package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/registries"
)

func TestRunning_serves(t *testing.T) {
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
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := engine.serves(test.wanted); got != test.want {
				t.Errorf("got %t", got)
			}
		})
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
	if diff := cmp.Diff(&want, got); diff != "" || err != nil {
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
