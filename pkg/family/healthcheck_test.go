package family_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

const checked = head + `variables: {port: {default: "80"}, none: {default: none}, nothing: {default: ""}, dollar: {default: "$${A}"}}
services: {db: {url: "tcp://h:1", timeout: 2s}}
images:
  base: {from: docker.io/library/fedora:20, BASE steps: [helpers: [wait]]}
  child: {from: base, command: [c]}
  role: {from: child, ROLE start: {wait: [db], command: [c]}}
  behind: {from: role, command: [c]}
`

func checks(base, role string) string {
	declared := func(value string) string {
		if value == "" {
			return ""
		}
		return "healthcheck: " + value + ","
	}
	return strings.NewReplacer("BASE", declared(base), "ROLE", declared(role)).Replace(checked)
}

func TestResolve_healthcheck(t *testing.T) {
	own := &family.Probe{Command: []string{"check", "80"}, Interval: 30 * time.Second, Timeout: 30 * time.Second, Failures: 3}
	page := &family.Probe{
		Command: []string{"/usr/bin/pulp-helper", "check", "--timeout", "3s", "http://127.0.0.1:8000/health?port=80"},
		HTTP:    &family.HTTPProbe{Port: 8000, Path: "/health?port=80"}, Interval: 30 * time.Second, Timeout: 3 * time.Second, Failures: 3,
	}
	first := &family.Probe{
		Command: []string{"/usr/bin/pulp-helper", "check", "http://127.0.0.1:80/"},
		HTTP:    &family.HTTPProbe{Port: 80, Path: "/"}, Interval: 30 * time.Second, Timeout: 30 * time.Second, Failures: 3,
	}
	type want struct {
		test   []string // that the role declares
		taken  bool     // what the role inherits is taken away
		probes map[string]*family.Probe
	}
	for _, test := range []struct {
		name, base, role string
		want             want
	}{
		{"none", "", "", want{nil, true, map[string]*family.Probe{}}},
		{"inherited, but not by a start", `{command: [check, "${{ port }}"]}`, "", want{nil, true, map[string]*family.Probe{"base": own, "child": own}}},
		{"of the start", "", `{command: [check, "${{ port }}"]}`, want{[]string{"CMD", "check", "80"}, false, map[string]*family.Probe{"role": own, "behind": own}}},
		{"a script", "", `{script: "\na ${{ port }} ${B} $C\nb\n", interval: 1s, timeout: 2s, retries: 4, start_period: 5s, start_interval: 6s}`,
			want{[]string{"CMD-SHELL", "a 80 ${B} $C\nb"}, false, map[string]*family.Probe{
				"role":   {Script: "a 80 ${B} $C\nb", Interval: time.Second, Timeout: 2 * time.Second, Failures: 4, StartPeriod: 5 * time.Second, StartInterval: 6 * time.Second},
				"behind": {Script: "a 80 ${B} $C\nb", Interval: time.Second, Timeout: 2 * time.Second, Failures: 4, StartPeriod: 5 * time.Second, StartInterval: 6 * time.Second},
			}}},
		{"a page", "", `{http: {port: 8000, path: "/health?port=${{ port }}"}, timeout: 3s}`, want{
			[]string{"CMD", "/usr/bin/pulp-helper", "check", "--timeout", "3s", "http://127.0.0.1:8000/health?port=80"}, false, map[string]*family.Probe{
				"role": page, "behind": page,
			}}},
		{"the first page", "", `{http: {port: 80}, timeout: 30s}`, want{
			[]string{"CMD", "/usr/bin/pulp-helper", "check", "http://127.0.0.1:80/"}, false, map[string]*family.Probe{"role": first, "behind": first}}},
		{"none for a start", `{command: [check]}`, "none", want{[]string{"NONE"}, false, map[string]*family.Probe{
			"base":  {Command: []string{"check"}, Interval: 30 * time.Second, Timeout: 30 * time.Second, Failures: 3},
			"child": {Command: []string{"check"}, Interval: 30 * time.Second, Timeout: 30 * time.Second, Failures: 3},
		}}},
		{"none, which a start does not inherit", `"${{ none }}"`, "", want{nil, true, map[string]*family.Probe{}}},
		{"the characters of a variable", "", `{command: [a, "$${B}"]}`, want{[]string{"CMD", "a", "${B}"}, false, map[string]*family.Probe{
			"role":   {Command: []string{"a", "${B}"}, Interval: 30 * time.Second, Timeout: 30 * time.Second, Failures: 3},
			"behind": {Command: []string{"a", "${B}"}, Interval: 30 * time.Second, Timeout: 30 * time.Second, Failures: 3},
		}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := familytest.Parse(t, checks(test.base, test.role))
			role, _ := f.Image("role")
			got := want{taken: role.Config.NoHealthcheck, probes: map[string]*family.Probe{}}
			if role.Config.Healthcheck != nil {
				got.test = role.Config.Healthcheck.Test()
			}
			for _, image := range f.Images {
				if image.Workload.Probe != nil {
					got.probes[image.Name] = image.Workload.Probe
				}
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestResolve_healthcheckErrors(t *testing.T) {
	for _, test := range []struct{ name, value, want string }{
		{"another word", "nonne", `"nonne" is no health check (write a mapping with a command, a script or http, or none)`},
		{"an empty word", `""`, `"" is no health check`},
		{"a word of a variable", `"${{ port }}"`, `"80" is no health check`},
		{"a variable of the environment in a command", `{command: [curl, "http://${HOST}/"]}`, "${HOST} is known when a container starts, not when the image is built"},
		{"an undeclared variable", `{script: "${{ prot }}"}`, `the variable "prot" is not declared under variables (did you mean "port"?)`},
		{"an empty program", `{command: ["", a]}`, "the first word of a command is empty"},
		{"a program that a variable makes empty", `{command: ["${{ nothing }}"]}`, "the first word of a command is empty"},
		{"a script that a variable makes empty", `{script: "${{ nothing }}"}`, "the script of healthcheck is empty"},
		{"a path of a variable that is none", `{http: {port: 80, path: "${{ port }}"}}`, `"80" is no path for a request`},
		{"a path with a blank", `{http: {port: 80, path: "/a b"}}`, `"/a b" is no path for a request`},
		{"a path with half an escape", `{http: {port: 80, path: /a%4}}`, `"/a%4" is no path for a request`},
		{"a script of line ends", `{script: "\n\n"}`, "the script of healthcheck is empty"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := spec.Parse("f.yaml", []byte(checks(test.value, "")))
			if err != nil {
				t.Fatal(err)
			}
			if _, err = family.Resolve(s, family.Options{Dir: t.TempDir(), Assets: builtIn()}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want %s", err, test.want)
			}
		})
	}
}

// The image has to have the program that asks for the page.
func TestResolve_pageNeedsHelper(t *testing.T) {
	for steps, want := range map[string]string{
		"":                         `f.yaml:6:53: the health check of a needs the helper "exec", which the image does not have (add a step to base: helpers: [exec])`,
		"steps: [helpers: [exec]]": "",
	} {
		text := head + "images:\n  a: {from: base, command: [c], healthcheck: {http: {port: 80}}}\n  base: {from: scratch, " + steps + "}\n"
		s, err := spec.Parse("f.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		_, err = family.Resolve(s, family.Options{Dir: t.TempDir(), Assets: builtIn()})
		if got := fmt.Sprint(err); want == "" && err != nil || want != "" && got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

// A long check that many images inherit counts for each of them.
func TestResolve_healthcheckBudget(t *testing.T) {
	var text strings.Builder
	text.WriteString(head + "images:\n  base: {from: scratch, healthcheck: {script: \"" + strings.Repeat("a", 1<<19) + "\"}}\n")
	for i := range 40 {
		text.WriteString("  i" + strings.Repeat("x", i) + ": {from: base}\n")
	}
	s, err := spec.Parse("f.yaml", []byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := family.Resolve(s, family.Options{Dir: t.TempDir(), Assets: builtIn()}); err == nil || !strings.Contains(err.Error(), "the spec has more than 16 MiB of text") {
		t.Errorf("the error is %v", err)
	}
}

func TestHealthcheck_options(t *testing.T) {
	for want, check := range map[string]family.Healthcheck{
		"": {},
		"--interval=1m30s --timeout=1.5ms --start-period=10s --start-interval=1s --retries=5": {
			Interval: 90 * time.Second, Timeout: 1500 * time.Microsecond, StartPeriod: 10 * time.Second, StartInterval: time.Second, Retries: 5,
		},
	} {
		if got := strings.Join(check.Options(), " "); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
