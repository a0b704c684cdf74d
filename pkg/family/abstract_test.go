package family_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

const abstractHead = head + `environment: {V: {}, W: {}}
settings: {s: {file: /s, lens: pulpconf.aug}}
services: {db: {url: "tcp://db:1"}, mq: {url: "tcp://mq:1"}}
`

func TestResolve_abstractStart(t *testing.T) {
	f := mustResolve(t, abstractHead+`images:
  base:
    from: scratch
    steps: [helpers: [config, wait]]
    start: {require: {sockets: [/log], variables: [V]}, configure: [s], wait: [db, mq], init: [[base]], user: app}
  middle:
    from: base
    start: {wait: [db], umask: "027"}
  none: {from: middle}
  other: {from: middle, command: [other]}
  role:
    from: none
    start: {require: {sockets: []}, init: [], command: [role]}
  beside:
    from: other
    start: {configure: [], workdir: /w, command: [beside]}
  on:
    from: role
    start: {user: root, command: [on]}
`, family.Options{})
	type start struct {
		Runs, Abstract bool
		Start          *family.Start
		Inherited      map[spec.StartKey]string
	}
	want := map[string]start{
		"base": {Abstract: true},
		"middle": {Abstract: true, Inherited: map[spec.StartKey]string{
			"require.sockets": "base", "require.variables": "base", "configure": "base", "init": "base", "user": "base"}},
		"none":  {},
		"other": {Runs: true},
		"role": {Runs: true, Start: &family.Start{Variables: []string{"V"}, Configure: []string{"s"}, Wait: []string{"db"}, User: "app", Umask: "027", Command: []string{"role"}},
			Inherited: map[spec.StartKey]string{"require.variables": "base", "configure": "base", "wait": "middle", "user": "base", "umask": "middle"}},
		"beside": {Runs: true, Start: &family.Start{Sockets: []string{"/log"}, Variables: []string{"V"}, Wait: []string{"db"}, Init: [][]string{{"base"}},
			User: "app", Umask: "027", Workdir: "/w", Command: []string{"beside"}},
			Inherited: map[spec.StartKey]string{"require.sockets": "base", "require.variables": "base", "wait": "middle", "init": "base", "user": "base", "umask": "middle"}},
		"on": {Runs: true, Start: &family.Start{Sockets: []string{"/log"}, Variables: []string{"V"}, Configure: []string{"s"}, Wait: []string{"db"}, Init: [][]string{{"base"}},
			User: "root", Umask: "027", Command: []string{"on"}},
			Inherited: map[spec.StartKey]string{"require.sockets": "base", "require.variables": "base", "configure": "base", "wait": "middle", "init": "base", "umask": "middle"}},
	}
	for _, i := range f.Images {
		got := start{Runs: i.Runs(), Abstract: i.AbstractStart != nil, Start: i.Start, Inherited: i.InheritedStart}
		if diff := cmp.Diff(want[i.Name], got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", i.Name, diff)
		}
	}
	if needs := image(t, f, "role").Needs; len(needs) != 2 || needs[0].At.Start.Line != 12 {
		t.Errorf("the needs of an inherited key are %v", needs)
	}
}

// What a start inherits makes the same image as what it says itself.
func TestInputs_inheritedStart(t *testing.T) {
	const spec = abstractHead + "images:\n  base: {from: scratch, steps: [helpers: [config, wait]]%s}\n  role: {from: base, start: {%scommand: [c]}}\n"
	const keys = `require: {sockets: [/log]}, configure: [s], wait: [db], init: [[a, "${V}"]], user: u, workdir: /w, umask: "027"`
	var digests []map[string]string
	for _, text := range []string{fmt.Sprintf(spec, "", keys+", "), fmt.Sprintf(spec, ", start: {"+keys+"}", "")} {
		got, err := mustResolve(t, text, family.Options{}).Inputs(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, got)
	}
	if diff := cmp.Diff(digests[0], digests[1]); diff != "" {
		t.Errorf("(-own +inherited):\n%s", diff)
	}
}

func TestResolve_abstractStartErrors(t *testing.T) {
	const base = "images:\n  base:\n    from: scratch\n"
	const helpers = "    steps: [helpers: [config, wait]]\n"
	for _, test := range []struct {
		name, images string
		want         []string
	}{
		{"nobody completes it", base + "    start: {user: app}\n  role: {from: base}\n",
			[]string{"f.yaml:11:12: the start of base has no command, and no image that is based on base has one (add one, or base an image with a start and a command on base)"}},
		{"an empty one", base + "    start: {}\n",
			[]string{"f.yaml:11:12: the start of base has no command, and no image that is based on base has one (add one, or base an image with a start and a command on base)"}},
		{"another branch completes another one", base + "    start: {}\n    steps: [helpers: [wait]]\n  a: {from: base, start: {command: [a]}}\n  b: {from: base, start: {}}\n",
			[]string{"f.yaml:14:26: the start of b has no command, and no image that is based on b has one (add one, or base an image with a start and a command on b)"}},
		{"on a start with a command", base + helpers + "    start: {command: [a]}\n  middle: {from: base}\n  role: {from: middle, start: {user: app}}\n",
			[]string{"f.yaml:14:31: the start of role has no command, and base, which it is based on, has a start with one (add the command: only a start without one is inherited)"}},
		{"all mistakes, each once", base + helpers + "    start: {require: {sockets: [log], variables: [X]}, configure: [t], wait: [dc], user: \"a b\", umask: \"9\", workdir: w, init: [[\"${Y}\"]]}\n" +
			"  a: {from: base, start: {command: [a]}}\n  b: {from: base, start: {wait: [db], command: [b]}}\n", []string{
			`f.yaml:12:33: the socket "log" is not absolute (it is a path in the image, from the root)`,
			`f.yaml:12:51: "X" is not declared under environment (there is V, W)`,
			`f.yaml:12:68: "t" is not declared under settings (there is s)`,
			`f.yaml:12:79: "dc" is not declared under services (did you mean "db"?)`,
			`f.yaml:12:90: "a b" is no user`,
			`f.yaml:12:104: "9" is no umask: write three digits from 0 to 7`,
			`f.yaml:12:118: the directory "w" is not absolute (it is a path in the image, from the root)`,
			`f.yaml:12:130: the variable "Y" is not declared under environment (there is V, W)`,
		}},
		{"a helper that each image lacks", base + "    start: {wait: [db]}\n  a: {from: base, start: {command: [a]}}\n  b: {from: base, start: {command: [b]}}\n", []string{
			`f.yaml:12:26: starting a needs the helper "wait", which the image does not have (add a step to base: helpers: [wait])`,
			`f.yaml:13:26: starting b needs the helper "wait", which the image does not have (add a step to base: helpers: [wait])`,
		}},
		{"a user that the image's cannot become", base + helpers + "    start: {user: app}\n  a: {from: base, user: web, start: {command: [a]}}\n",
			[]string{"f.yaml:13:37: the image starts as web, which cannot become app (let the image's user be root, or give this start a user: it inherits that of base)"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := resolve(t, abstractHead+test.images, family.Options{})
			var errs spec.Errors
			if !errors.As(err, &errs) {
				t.Fatalf("got %v", err)
			}
			var got []string
			for _, e := range errs {
				got = append(got, e.Error())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A variable without a value may be in the start of a base that nobody selected.
func TestResolve_abstractStartOfOthers(t *testing.T) {
	text := head + "variables: {u: {}}\nimages:\n  base: {from: scratch, steps: [helpers: [wait]], start: {user: \"${{ u }}\"}}\n  role: {from: base, start: {command: [a]}}\n  other: {from: scratch}\n"
	if _, err := resolve(t, text, family.Options{Images: []string{"other"}}); err != nil {
		t.Errorf("with another image: %v", err)
	}
	if _, err := resolve(t, text, family.Options{Images: []string{"role"}}); err == nil || err.Error() != "f.yaml:5:13: the variable u has no value" {
		t.Errorf("with the role: %v", err)
	}
}

// One large start that many images inherit is no small family.
func TestResolve_abstractStartIsBounded(t *testing.T) {
	var images strings.Builder
	for n := range 50 {
		fmt.Fprintf(&images, "  i%d: {from: base, start: {command: [a]}}\n", n)
	}
	text := head + "images:\n  base: {from: scratch, steps: [helpers: [wait]], start: {init: [[" + strings.Repeat(`a,"",`, 10_000) + "a]]}}\n" + images.String()
	_, err := resolve(t, text, family.Options{})
	if err == nil || !strings.Contains(err.Error(), "with all variables, aliases and what images inherit written out") {
		t.Errorf("got %v", err)
	}
}
