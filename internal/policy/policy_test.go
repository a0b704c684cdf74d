package policy_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	spb "github.com/moby/buildkit/sourcepolicy/pb"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/policy"
)

func convert(from, to string, attrs map[string]string) *spb.Policy {
	return &spb.Policy{Rules: []*spb.Rule{{
		Action: spb.PolicyAction_CONVERT, Selector: &spb.Selector{Identifier: from, MatchType: spb.MatchType_WILDCARD}, Updates: &spb.Update{Identifier: to, Attrs: attrs},
	}}}
}

func TestPolicy_Image(t *testing.T) {
	sum := digest.FromString("x")
	for _, test := range []struct {
		name  string
		rules *spb.Policy
		want  policy.Image
		err   string
	}{
		{"no policy", nil, policy.Image{Reference: "base"}, ""},
		{"no rule for it", convert("docker-image://r.test/*", "docker-image://r.test/x:1", nil), policy.Image{Reference: "docker.io/library/base:latest"}, ""},
		{"another image", convert("docker-image://docker.io/library/*", "docker-image://r.test/${1}", nil), policy.Image{Reference: "r.test/base:latest"}, ""},
		{"no image", convert("docker-image://docker.io/*", "git://r.test/x", nil), policy.Image{}, "the source policy makes it git://r.test/x, which is not an image of a registry"},
		{"attributes", convert("docker-image://docker.io/library/base:latest", "docker-image://r.test/base:1", map[string]string{
			"image.checksum": sum.String(), "image.resolvemode": "pull", "image.recordtype": "frontend", "image.layerlimit": "1",
		}), policy.Image{Reference: "r.test/base:1", Checksum: sum, Other: []string{"image.layerlimit"}}, ""},
	} {
		got, err := policy.New(test.rules).Image(t.Context(), "base")
		if diff := cmp.Diff(test.want, got); diff != "" || (err == nil) != (test.err == "") || err != nil && err.Error() != test.err {
			t.Errorf("%s: %v (-want +got):\n%s", test.name, err, diff)
		}
	}
}

func TestPolicy_File(t *testing.T) {
	a, b := digest.FromString("a"), digest.FromString("b")
	const url = "https://h.test/f?x=y"
	for _, test := range []struct {
		name  string
		rules *spb.Policy
		want  policy.File
		err   string
	}{
		{"no policy", nil, policy.File{URL: url, Checksum: a}, ""},
		{"another URL", convert("https://h.test/*", "http://m.test/${1}", nil), policy.File{URL: "http://m.test/f?x=y", Checksum: a}, ""},
		{"no URL", convert("https://h.test/*", "docker-image://m.test/x:1", nil), policy.File{}, "the source policy makes it docker-image://m.test/x:1, which is no file of a URL"},
		{"attributes", convert(url, "", map[string]string{
			"http.checksum": b.String(), "http.header.User-Agent": "u", "http.header.Cookie": "c", "http.perm": "0600", "http.sig.pubkey": "k",
		}), policy.File{URL: url, Checksum: b, Headers: map[string]string{"user-agent": "u"}, Other: []string{"http.sig.pubkey"}}, ""},
	} {
		got, err := policy.New(test.rules).File(t.Context(), url, a)
		if len(got.Headers) == 0 {
			got.Headers = nil
		}
		if diff := cmp.Diff(test.want, got); diff != "" || (err == nil) != (test.err == "") || err != nil && err.Error() != test.err {
			t.Errorf("%s: %v (-want +got):\n%s", test.name, err, diff)
		}
	}
}

func TestPolicy_denied(t *testing.T) {
	p := policy.New(&spb.Policy{Rules: []*spb.Rule{{Action: spb.PolicyAction_DENY, Selector: &spb.Selector{Identifier: "*"}}}})
	_, image := p.Image(t.Context(), "base")
	_, file := p.File(t.Context(), "https://h.test/f", "")
	for want, err := range map[string]error{
		`source "docker-image://docker.io/library/base:latest" denied by policy: source denied by policy`: image,
		`source "https://h.test/f" denied by policy: source denied by policy`:                             file,
	} {
		var denied *policy.DeniedError
		if !errors.As(err, &denied) || err.Error() != want {
			t.Errorf("the error is %v, want %s", err, want)
		}
	}
}
