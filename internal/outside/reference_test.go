package outside_test

import (
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/outside"
)

func TestDigestOf(t *testing.T) {
	d := digest.FromString("x")
	for ref, want := range map[string]digest.Digest{
		"docker.io/library/debian:12":                      "",
		"docker.io/library/debian:12@" + d.String():        d,
		"mirror.example.com/debian@" + d.String():          d,
		"mirror.example.com:5000/library/d:1@" + string(d): d,
		"":    "",
		"A B": "",
	} {
		if got := outside.DigestOf(ref); got != want {
			t.Errorf("of %q, the digest is %q, want %q", ref, got, want)
		}
	}
}

func TestPinned(t *testing.T) {
	const debian = "docker.io/library/debian:12"
	found, other := digest.FromString("found"), digest.FromString("other")
	for _, test := range []struct {
		name, ref string
		found     digest.Digest
		want      string
	}{
		{"a tag", debian, found, debian + "@" + found.String()},
		{"a digest", debian + "@" + other.String(), found, debian + "@" + other.String()},
		{"an engine that knows no digest", debian, "", debian},
		{"no reference", "<>", found, "<>"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := outside.Pinned(test.ref, test.found); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
