package family_test

import (
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

func TestResolve_stopSignal(t *testing.T) {
	const text = head + `variables: {signal: {default: SIGINT}}
images:
  base: {from: docker.io/library/fedora:20, BASE steps: [helpers: [exec]]}
  between: {from: base}
  role: {from: between, ROLE start: {command: [c]}}
  behind: {from: role, BEHIND start: {command: [c]}}
`
	for _, test := range []struct{ name, base, role, behind, want, wantBehind, err, hint string }{
		{name: "none", want: "SIGTERM", wantBehind: "SIGTERM"},
		{name: "of the family", base: "SIGQUIT", want: "SIGQUIT", wantBehind: "SIGQUIT"},
		{name: "the nearest", base: "SIGQUIT", role: "SIGINT", want: "SIGINT", wantBehind: "SIGINT"},
		{name: "each its own", role: "SIGINT", behind: "HUP", want: "SIGINT", wantBehind: "HUP"},
		{name: "one that is no longer in effect", base: "SIGWINCH", role: "SIGTERM", want: "SIGTERM", wantBehind: "SIGTERM"},
		{name: "without SIG", base: "QUIT", want: "QUIT", wantBehind: "QUIT"},
		{name: "numbers", base: "3", role: "1", behind: "2", want: "1", wantBehind: "2"},
		{name: "a variable", base: "${{ signal }}", want: "SIGINT", wantBehind: "SIGINT"},
		{name: "inherited, and not for a start", base: "SIGWINCH", err: "role has a start, which does not end on SIGWINCH", hint: "give role a stopsignal of its own: one of SIGTERM"},
		{name: "not for a start", role: "SIGUSR1", err: "role has a start, which does not end on SIGUSR1", hint: "write one of SIGTERM"},
		{name: "a number that is not for a start", role: "9", err: "does not end on 9"},
		{name: "none that exists", base: "SIGKIL", err: `"SIGKIL" is no signal`, hint: `did you mean "SIGKILL"?`},
		{name: "in small letters", base: "sigquit", err: `"sigquit" is no signal`, hint: `did you mean "SIGQUIT"?`},
		{name: "too high a number", base: "65", err: `"65" is no signal`, hint: `write a name such as SIGQUIT, or a number from "1" to "64"`},
		{name: "nothing", base: "", role: "${{ signal }}${{ signal }}", err: "is no signal"},
		{name: "of the environment", base: "${SIGNAL}", err: "is known when a container starts"},
	} {
		t.Run(test.name, func(t *testing.T) {
			declared := func(signal string) string {
				if signal == "" {
					return ""
				}
				return `stopsignal: "` + signal + `",`
			}
			yaml := strings.NewReplacer("BASE", declared(test.base), "ROLE", declared(test.role), "BEHIND", declared(test.behind)).Replace(text)
			s, err := spec.Parse("f.yaml", []byte(yaml))
			if err != nil {
				t.Fatal(err)
			}
			f, err := family.Resolve(s, family.Options{Dir: t.TempDir(), Assets: builtIn()})
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) || !strings.Contains(err.Error(), test.hint) {
					t.Errorf("the error is %v, want %s (%s)", err, test.err, test.hint)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]string{"role": test.want, "behind": test.wantBehind} {
				if image, _ := f.Image(name); image.Config.StopSignal != want {
					t.Errorf("%s has the stop signal %q, want %q", name, image.Config.StopSignal, want)
				}
			}
		})
	}
}
