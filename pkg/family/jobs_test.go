package family_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/startup/contract"
)

const withJobs = head + `variables: { job: { default: migrate } }
environment: { HOST: {}, TABLE: { default: visits } }
services:
  db: { url: "tcp://h:1" }
  migrated: { command: [check, "${TABLE}", "${HOST}"], job: "${{ job }}" }
  seeded: { command: [seed, --check], job: seed, tries: 3, interval: 1s, timeout: 2s }
  alone: { command: [alone] }
images:
  base: { from: scratch, steps: [ helpers: [wait] ] }
  migrate: { from: base, kubernetes: { KIND }, start: { wait: [db], user: u, command: [c] } }
  seed: { from: base, kubernetes: { KIND }, start: { wait: [migrated], user: u, command: [c] } }
  web: { from: base, start: { wait: [db, seeded, migrated], user: u, command: [c] } }
  other: { from: base, start: { wait: [alone], command: [c] } }
`

func TestResolve_jobs(t *testing.T) {
	f, err := resolve(t, ofKind(withJobs, "job"), family.Options{})
	if err != nil {
		t.Fatal(err)
	}
	services := []contract.Service{
		{Name: "db", URL: "tcp://h:1", Tries: 12, Interval: 5 * time.Second, Timeout: 2 * time.Second},
		{Name: "migrated", Command: []string{"check", "${TABLE}", "${HOST}"}, Tries: 12, Interval: 5 * time.Second, Timeout: 30 * time.Second},
		{Name: "seeded", Command: []string{"seed", "--check"}, Tries: 3, Interval: time.Second, Timeout: 2 * time.Second},
		{Name: "alone", Command: []string{"alone"}, Tries: 12, Interval: 5 * time.Second, Timeout: 30 * time.Second},
	}
	if diff := cmp.Diff(services, f.Contract.Services); diff != "" {
		t.Errorf("services (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"migrated": "migrate", "seeded": "seed"}, f.Jobs); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	type wants struct{ After, Capabilities, Required []string }
	got := map[string]wants{}
	for _, image := range f.Images {
		got[image.Name] = wants{image.Workload.After, image.Workload.Capabilities, image.Workload.Required}
	}
	user, kill := []string{"SETGID", "SETUID"}, []string{"KILL", "SETGID", "SETUID"}
	want := map[string]wants{
		"base": {}, "other": {Capabilities: []string{"CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"}}, "migrate": {Capabilities: user},
		"seed": {After: []string{"migrate"}, Capabilities: kill, Required: []string{"HOST"}},
		"web":  {After: []string{"seed", "migrate"}, Capabilities: kill, Required: []string{"HOST"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	// A selection keeps the names.
	if f, err = f.Select("web"); err != nil || cmp.Diff([]string{"seed", "migrate"}, f.Images[1].Workload.After) != "" {
		t.Errorf("%v, %v", err, f.Images[1].Workload.After)
	}
}

func TestResolve_jobErrors(t *testing.T) {
	const line = "f.yaml:6:"
	spec := func(service, images string) string {
		return head + "environment: { PW: { secret: true } }\nservices: { s: { " + service + " } }\nimages:\n  base: { from: scratch, steps: [ helpers: [wait] ] }\n" + images
	}
	const job = "  m: { from: base, kubernetes: { KIND }, start: { WAIT command: [c] } }\n"
	for _, test := range []struct{ name, yaml, want string }{
		{"no such image", spec("command: [a], job: n", job), line + `37: the family has no image called "n" (there is base, m)`},
		{"a matrix", spec("command: [a], job: x", "  x: { from: base, matrix: { n: [a, b] }, name: \"x-${{ n }}\", command: [c], kubernetes: { KIND } }\n"),
			line + "37: x is a matrix, which makes several images (name one of them, such as x-a)"},
		{"no job", spec("command: [a], job: base", job),
			line + "37: base is no job: containers of it do not end when their work is done (give it kubernetes: { kind: job }, and a command)"},
		{"itself", spec("command: [a], job: m", waiting(job, "s")), line + "37: the job waits for its own end: m -> m (leave a service out of a start.wait)"},
		{"a secret in the command", spec(`command: [a, "${PW}"]`, job), line + "31: PW is secret, and a command line is for everybody to see (the process finds it in its environment)"},
		{"an undeclared variable", spec(`command: [a, "${PX}"]`, job), line + `32: the variable "PX" is not declared under environment (did you mean "PW"?)`},
		{"an empty program", spec(`command: [""]`, job), line + "28: the first word of a command is empty"},
		{"the start script", spec(`command: [/usr/share/pulpimg/start]`, job),
			line + "28: /usr/share/pulpimg/start is the start script itself, which would start itself for ever (name the program that it shall become)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := resolve(t, ofKind(waiting(test.yaml, ""), "job"), family.Options{})
			if err == nil || err.Error() != test.want {
				t.Errorf("got\n%v\nwant\n%s", err, test.want)
			}
		})
	}
}

// ofKind gives the images of a spec their kind.
func ofKind(text, kind string) string { return strings.ReplaceAll(text, "KIND", "kind: "+kind) }

// waiting makes the starts of a spec wait for a service, or for nothing.
func waiting(text, service string) string {
	if service != "" {
		service = "wait: [" + service + "],"
	}
	return strings.ReplaceAll(text, "WAIT", service)
}
