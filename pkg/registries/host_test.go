package registries

import "testing"

func TestCanonicalHost(t *testing.T) {
	for _, test := range []struct{ scheme, host, want string }{
		{"https", "Registry.Example.com:443", "registry.example.com"},
		{"https", "registry.example.com:80", "registry.example.com:80"},
		{"http", "registry.example.com:80", "registry.example.com"},
		{"http", "localhost:5000", "localhost:5000"},
		{"https", "[::1]:443", "[::1]"},
		{"https", "[0:0::1]", "[::1]"},
		{"https", "::1", "[::1]"},
		{"https", "[2001:DB8::1]:5000", "[2001:db8::1]:5000"},
		{"https", "[::ffff:10.0.0.1]", "10.0.0.1"},
	} {
		if got := CanonicalHost(test.scheme, test.host); got != test.want {
			t.Errorf("%s of %s is written %s, want %s", test.host, test.scheme, got, test.want)
		}
	}
}
