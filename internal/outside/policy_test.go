package outside_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	spb "github.com/moby/buildkit/sourcepolicy/pb"
	"github.com/opencontainers/go-digest"

	"github.com/moby/buildkit/sourcepolicy"

	"github.com/pulpimg/pulpimg/internal/outside"
	"github.com/pulpimg/pulpimg/internal/policy"
	"github.com/pulpimg/pulpimg/pkg/publish"
	"github.com/pulpimg/pulpimg/pkg/registries"
)

func TestFinder_errors(t *testing.T) {
	denying := newRegistry(t)
	denying.before = func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusForbidden)
		return true
	}
	conf := "[[registry]]\nlocation = \"bad.test\"\nblocked = true\n"
	f := newFinder(t, conf, rules(&spb.Rule{Action: spb.PolicyAction_DENY, Selector: selector("docker-image://denied.test/*")}))
	for _, test := range []struct {
		reference string
		is        error
		as        any
	}{
		{"denied.test/a:1", sourcepolicy.ErrSourceDenied, new(*policy.DeniedError)},
		{"bad.test/a:1", nil, new(*registries.BlockedError)},
		{denying.Host + "/a:1", nil, new(*publish.CredentialsError)},
		{"127.0.0.1:1/a:1", nil, new(*publish.UnreachableError)},
		{newRegistry(t).Host + "/a:1", nil, new(*publish.NotFoundError)},
	} {
		_, digestErr := f.Digest(t.Context(), test.reference)
		_, err := f.Find(t.Context(), test.reference, platform("amd64", ""))
		for _, err := range []error{digestErr, err} {
			if test.is != nil && !errors.Is(err, test.is) || test.as != nil && !errors.As(err, test.as) || err == nil {
				t.Errorf("%s: the error is %v", test.reference, err)
			}
		}
	}
}

func selector(identifier string) *spb.Selector { return &spb.Selector{Identifier: identifier} }

func rules(all ...*spb.Rule) *spb.Policy { return &spb.Policy{Rules: all} }

// A policy says which image is meant, before mirrors are looked for.
func TestFinder_policy(t *testing.T) {
	r := newRegistry(t)
	one, two := r.image("1", platform("amd64", "")), r.image("2", platform("amd64", "v1"))
	convert := func(to string, attrs map[string]string) *spb.Policy {
		return rules(&spb.Rule{Action: spb.PolicyAction_CONVERT, Selector: selector("docker-image://docker.io/library/base:1"), Updates: &spb.Update{Identifier: to, Attrs: attrs}})
	}
	at := "docker-image://" + r.Host + "/base:"
	for _, test := range []struct {
		name   string
		policy *spb.Policy
		want   digest.Digest
		err    string
	}{
		{"another image", convert(at+"2", nil), two.Digest, ""},
		{"one of a digest", convert(at+"1@"+one.Digest.String(), nil), one.Digest, ""},
		{"no image", convert("https://h.test/f", nil), "", "not an image of a registry"},
		{"a checksum", convert(at+"2", map[string]string{"image.checksum": two.Digest.String()}), two.Digest, ""},
		{"another checksum", convert(at+"2", map[string]string{"image.checksum": one.Digest.String()}), "", "the source policy says that it is " + one.Digest.String()},
	} {
		f := newFinder(t, "", test.policy)
		got, digestErr := f.Digest(t.Context(), "base:1")
		image, err := f.Find(t.Context(), "base:1", platform("amd64", ""))
		for _, err := range []error{digestErr, err} {
			if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("%s: the error is %v", test.name, err)
			}
		}
		if test.err == "" && (got != test.want || image.Digest != test.want) {
			t.Errorf("%s: got %s and %s, want %s", test.name, got, image.Digest, test.want)
		}
	}
	_, err := newFinder(t, "", convert(at+"2", map[string]string{"image.layerlimit": "1"})).Find(t.Context(), "base:1", platform("amd64", ""))
	var unsupported *outside.UnsupportedError
	if !errors.As(err, &unsupported) {
		t.Errorf("an image of some layers: %v", err)
	}
}
