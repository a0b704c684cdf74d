package build

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/sourcepolicy"
	spb "github.com/moby/buildkit/sourcepolicy/pb"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/pkg/engine"
	"github.com/pulpimg/pulpimg/pkg/registries"
)

// scheme is how the identifiers of images begin.
const scheme = "docker-image://"

// mirrored loads a registries.conf.
func mirrored(t *testing.T, conf string) *registries.Config {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "mine.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CONTAINERS_REGISTRIES_CONF", file)
	config, err := registries.Load(registries.Options{Root: dir, Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// twoMirrors has two mirrors of Docker Hub, and blocks a registry.
const twoMirrors = `[[registry]]
location = "docker.io"
[[registry.mirror]]
location = "one.test/hub"
[[registry.mirror]]
location = "two.test"
[[registry]]
location = "blocked.test"
blocked = true
`

// The rules of source policies.
func rule(action spb.PolicyAction, identifier string) *spb.Rule {
	return &spb.Rule{Action: action, Selector: &spb.Selector{Identifier: identifier}}
}
func allow(identifier string) *spb.Rule { return rule(spb.PolicyAction_ALLOW, identifier) }
func deny(identifier string) *spb.Rule  { return rule(spb.PolicyAction_DENY, identifier) }
func convert(from, to string) *spb.Rule {
	out := rule(spb.PolicyAction_CONVERT, from)
	out.Updates = &spb.Update{Identifier: to}
	return out
}

// hub begins the identifiers of official images.
const hub = "docker-image://docker.io/library/"

func TestSources(t *testing.T) {
	both := []string{"one.test/hub/library/debian:12", "two.test/library/debian:12", "debian:12"}
	for _, test := range []struct {
		name, base string
		rules      []*spb.Rule
		remote     bool
		want       []string
		err        string
	}{
		{name: "mirrors", base: "debian:12", want: both},
		{name: "none", base: "quay.test/a", want: []string{"quay.test/a"}},
		{name: "an engine elsewhere has its own", base: "debian:12", remote: true, want: []string{"debian:12"}},
		{name: "an engine elsewhere blocks for itself", base: "blocked.test/a", remote: true, want: []string{"blocked.test/a"}},
		{name: "blocked", base: "blocked.test/a", err: "registries.conf blocks blocked.test"},
		{name: "a policy that says nothing of it", base: "debian:12", rules: []*spb.Rule{deny("docker-image://other.test/*")},
			want: []string{"one.test/hub/library/debian:12", "two.test/library/debian:12", "docker.io/library/debian:12"}},
		{name: "a policy that denies it", base: "debian:12", rules: []*spb.Rule{deny(hub + "debian:12")}, err: "denied by policy"},
		{name: "a hermetic policy that allows it", base: "debian:12", rules: []*spb.Rule{deny("*"), allow(hub + "debian:12")},
			want: []string{"one.test/hub/library/debian:12", "two.test/library/debian:12", "docker.io/library/debian:12"}},
		{name: "a policy that takes another one", base: "a.test/debian", rules: []*spb.Rule{convert("docker-image://a.test/debian:latest", hub+"alpine:3")},
			want: []string{"one.test/hub/library/alpine:3", "two.test/library/alpine:3", "docker.io/library/alpine:3"}},
		{name: "a policy that takes it from a place without mirrors", base: "debian:12", rules: []*spb.Rule{convert(hub+"debian:12", "docker-image://quay.test/debian:12")},
			want: []string{"debian:12"}}, // the engine converts it
		{name: "a policy that takes a blocked one", base: "debian:12", rules: []*spb.Rule{convert(hub+"debian:12", "docker-image://blocked.test/a:1")}, err: "registries.conf blocks blocked.test"},
		{name: "a policy that takes no image", base: "debian:12", rules: []*spb.Rule{convert(hub+"debian:12", "https://h.test/x")}, err: "not an image of a registry"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := settings{Options: Options{Registries: mirrored(t, twoMirrors)}}
			if len(test.rules) > 0 {
				s.SourcePolicy = &spb.Policy{Rules: test.rules}
			}
			if test.remote {
				s.Engine = engine.Options{Address: "tcp://h:1"}
			}
			got, err := s.sources(t.Context(), test.base)
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("the error is %v, want one with %q", err, test.err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("sources (-want +got):\n%s", diff)
			}
		})
	}
	if got, err := (settings{}).sources(t.Context(), "debian:12"); err != nil || len(got) != 1 || got[0] != "debian:12" {
		t.Errorf("if nothing is known of registries, it is at %v (%v)", got, err)
	}
}

// The engine may use a mirror of what it may use, and nothing else.
func TestAllowing(t *testing.T) {
	const text = specHeader + "  a: { from: \"debian:12\" }\n  b: { from: a }\n  c: { from: scratch }\n  d: { from: \"alpine:3\" }\n  e: { from: \"quay.test/x:1\" }\n  f: { from: \"blocked.test/x:1\" }\n"
	policy := &spb.Policy{Version: 1, Rules: []*spb.Rule{deny("*"), allow(hub + "debian:12"), allow("docker-image://quay.test/x:1")}}
	s := settings{Options: Options{Registries: mirrored(t, twoMirrors), SourcePolicy: policy}}
	got := allowing(policy, familytest.Parse(t, text), s)
	hash := digest.FromString("x").String()
	for identifier, want := range map[string]bool{
		hub + "debian:12": true,
		"docker-image://one.test/hub/library/debian:12":            true,
		"docker-image://one.test/hub/library/debian:12@" + hash:    true,
		"docker-image://two.test/library/debian:12@" + hash:        true,
		"docker-image://one.test/hub/library/debian:13":            false,
		"docker-image://one.test/hub/library/debian:12.evil":       false,
		"docker-image://one.test/hub/library/alpine:3":             false,
		"docker-image://one.test/other":                            false,
		hub + "alpine:3":                                           false,
		"docker-image://quay.test/x:1":                             true,
		"docker-image://quay.test/x:1@" + hash:                     false, // nothing is added to what the policy says of it
		"docker-image://blocked.test/x:1":                          false,
		"https://h.test/one.test/hub/library/debian:12@" + hash:    false,
		"docker-image://evil.test/one.test/hub/library/debian:12@": false,
	} {
		_, err := sourcepolicy.NewEngine([]*spb.Policy{got}).Evaluate(t.Context(), &pb.SourceOp{Identifier: identifier})
		if (err == nil) != want {
			t.Errorf("%s is allowed: %t (%v)", identifier, err == nil, err)
		}
	}
	if len(policy.Rules) != 3 || got.Version != 1 {
		t.Errorf("the policy of the caller has %d rules, the new one is of version %d", len(policy.Rules), got.Version)
	}
	s.SourcePolicy = nil
	if got := allowing(nil, familytest.Parse(t, text), s); got != nil {
		t.Errorf("without a policy there is %v", got)
	}
}

// mirroredPlanner returns a planner with two mirrors of Docker Hub, and an engine.
func mirroredPlanner(t *testing.T) (planner, *fakeEngine) {
	t.Helper()
	e := newFakeEngine(t)
	p := newPlanner(t, specHeader+"  base: { from: \"debian:12\", steps: [run: \"true\"] }\n", e, amd64)
	p.opts.Registries = mirrored(t, twoMirrors)
	return p, e
}

// The identifiers of a base at its mirrors, and at its registry.
const (
	atOne = "docker-image://one.test/hub/library/debian:12"
	atTwo = "docker-image://two.test/library/debian:12"
	atHub = hub + "debian:12"
)

func TestPlan_takesFirstMirror(t *testing.T) {
	for _, test := range []struct {
		name  string
		fails []string
		want  string
	}{
		{"the first one has it", nil, atOne},
		{"the first one fails", []string{atOne}, atTwo},
		{"both fail", []string{atOne, atTwo}, atHub},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, e := mirroredPlanner(t)
			for _, source := range test.fails {
				e.fails[source] = errGone
			}
			planned := mustPlan(t, p)
			ref := strings.TrimPrefix(test.want, scheme)
			want := []string{scheme + ref + "@" + digest.FromString(ref).String()}
			if diff := cmp.Diff(want, sourcesOf(planned.targets[0].def)); diff != "" {
				t.Errorf("sources of the image (-want +got):\n%s", diff)
			}
			if len(e.asked) != len(test.fails)+1 {
				t.Errorf("the engine was asked for %v", e.asked)
			}
		})
	}
}

func TestPlan_noMirrorHasBase(t *testing.T) {
	p, e := mirroredPlanner(t)
	for _, source := range []string{atOne, atTwo, atHub} {
		e.fails[source] = errors.New("401 Unauthorized of " + strings.TrimPrefix(source, scheme))
	}
	_, err := p.plan(t.Context())
	var base *BaseError
	var sources *SourcesError
	if !errors.As(err, &base) || !errors.As(err, &sources) || len(sources.Errs) != 3 || !base.Refused() {
		t.Fatalf("the error is %v", err)
	}
	const want = "looking up docker.io/library/debian:12, which base is based on: at one.test/hub/library/debian:12: 401 Unauthorized of one.test/hub/library/debian:12; " +
		"at two.test/library/debian:12: 401 Unauthorized of two.test/library/debian:12; at docker.io/library/debian:12: 401 Unauthorized of docker.io/library/debian:12"
	if diff := cmp.Diff(want, base.Error()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	if !errors.Is(err, e.fails[atTwo]) {
		t.Error("the error is not that of each place")
	}
}

// A base that is elsewhere is said to be there.
func TestPlan_otherLocationFails(t *testing.T) {
	p, e := mirroredPlanner(t)
	p.opts.Registries = mirrored(t, "[[registry]]\nprefix = \"docker.io\"\nlocation = \"there.test\"\n")
	e.fails["docker-image://there.test/library/debian:12"] = errors.New("403 Forbidden")
	_, err := p.plan(t.Context())
	var base *BaseError
	if !errors.As(err, &base) || base.RefusedBy() != "there.test" || !strings.HasSuffix(base.Error(), ": at there.test/library/debian:12: 403 Forbidden") {
		t.Errorf("the error is %v", err)
	}
}

func TestPlan_onePlaceFails(t *testing.T) {
	p, e := mirroredPlanner(t)
	p.opts.Registries = new(registries.Config)
	e.fails[atHub] = errGone
	_, err := p.plan(t.Context())
	var base *BaseError
	if !errors.As(err, &base) || errors.As(err, new(*SourcesError)) || !errors.Is(err, errGone) {
		t.Fatalf("the error is %v", err)
	}
	if want := "looking up docker.io/library/debian:12, which base is based on: the engine is gone"; base.Error() != want {
		t.Errorf("the text is %q, want %q", base.Error(), want)
	}
}

func TestPlan_deniedIsNotAsked(t *testing.T) {
	p, e := mirroredPlanner(t)
	p.opts.SourcePolicy = &spb.Policy{Rules: []*spb.Rule{deny(atHub)}}
	_, err := p.plan(t.Context())
	var base *BaseError
	if !errors.As(err, &base) || !base.Denied() || len(e.asked) > 0 {
		t.Errorf("the error is %v, the engine was asked for %v", err, e.asked)
	}
}

func TestProxiesOf(t *testing.T) {
	environment := map[string]string{
		"http_proxy": "lower", "HTTP_PROXY": "upper", "HTTPS_PROXY": "https", "ftp_proxy": "ftp", "ALL_PROXY": "all", "no_proxy": "", "NO_PROXY": "no",
	}
	want := Proxies{HTTP: "lower", HTTPS: "https", FTP: "ftp", All: "all", No: "no"}
	if got := ProxiesOf(func(name string) string { return environment[name] }); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
