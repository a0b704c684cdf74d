package engine

import (
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
	resolver "github.com/moby/buildkit/util/resolver/config"

	"github.com/pulpimg/pulpimg/pkg/registries"
)

// What is written is read into BuildKit's own type. Its package for the whole file has many dependencies.
func TestWithRegistries(t *testing.T) {
	yes, no := true, false
	pairs := []registries.Pair{{Cert: `/a "quoted" name/c.cert`, Key: "/a\\b/c.key"}}
	keyPairs := []resolver.TLSKeyPair{{Certificate: pairs[0].Cert, Key: pairs[0].Key}}
	for _, test := range []struct {
		name  string
		known map[string]registries.Host
		want  map[string]resolver.RegistryConfig
	}{
		{"nothing", nil, nil},
		{"mirrors", map[string]registries.Host{"docker.io": {Mirrors: []string{"one.test:5000/hub", "two.test"}}}, map[string]resolver.RegistryConfig{
			"docker.io":     {Mirrors: []string{"one.test:5000/hub", "two.test"}},
			"docker.io:443": {Mirrors: []string{"one.test:5000/hub", "two.test"}, PlainHTTP: &no},
		}},
		{"plain HTTP", map[string]registries.Host{"[fd00::7]:5000": {PlainHTTP: true}}, map[string]resolver.RegistryConfig{"[fd00::7]:5000": {PlainHTTP: &yes}}},
		{"plain HTTP at its default port", map[string]registries.Host{"r.test": {PlainHTTP: true}}, map[string]resolver.RegistryConfig{
			"r.test": {PlainHTTP: &yes}, "r.test:80": {PlainHTTP: &yes}, "r.test:443": {PlainHTTP: &no},
		}},
		{"not verified", map[string]registries.Host{"r.test:5000": {PlainHTTP: true, Unverified: true}}, map[string]resolver.RegistryConfig{
			"r.test:5000": {PlainHTTP: &yes, Insecure: &yes},
		}},
		{"certificates", map[string]registries.Host{"r.test": {CAs: []string{"/b/ca.crt", "/a/ca.crt"}, Pairs: pairs}}, map[string]resolver.RegistryConfig{
			"r.test":     {PlainHTTP: &no, RootCAs: []string{"/b/ca.crt", "/a/ca.crt"}, KeyPairs: keyPairs},
			"r.test:443": {PlainHTTP: &no, RootCAs: []string{"/b/ca.crt", "/a/ca.crt"}, KeyPairs: keyPairs},
		}},
		{"localhost with certificates has TLS", map[string]registries.Host{"localhost:5000": {CAs: []string{"/ca.crt"}}}, map[string]resolver.RegistryConfig{
			"localhost:5000": {PlainHTTP: &no, RootCAs: []string{"/ca.crt"}},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			text, err := withRegistries(config, test.known)
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				Registries map[string]resolver.RegistryConfig `toml:"registry"`
				Workers    struct {
					OCI struct {
						NetworkMode string `toml:"networkMode"`
					} `toml:"oci"`
				} `toml:"worker"`
			}
			meta, err := toml.Decode(string(text), &got)
			if err != nil {
				t.Fatalf("%v:\n%s", err, text)
			}
			for _, key := range meta.Undecoded() {
				if strings.HasPrefix(key.String(), "registry") {
					t.Errorf("BuildKit does not know %s", key)
				}
			}
			if diff := cmp.Diff(test.want, got.Registries); diff != "" {
				t.Errorf("registries (-want +got):\n%s", diff)
			}
			if got.Workers.OCI.NetworkMode != "host" {
				t.Errorf("the rest of the configuration is lost:\n%s", text)
			}
		})
	}
}
