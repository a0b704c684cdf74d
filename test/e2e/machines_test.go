package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// A machine has a cache and a checkout of its own. It shares nothing with others but the registry.
type machine struct {
	program
	spec string
}

// machinesSpec has a builder, whose layers nobody keeps, a base with two commands, and a role with a script. The role's file needs an owner that
// only the base knows.
const machinesSpec = `version: 1
name: machines
registry: docker.io/lab
tag: "1"
images:
  tool:
    from: docker.io/library/fedora:20
    publish: false
    steps:
      - run: echo compiled >/tool
  base:
    from: docker.io/library/fedora:20
    steps:
      - run: echo first >/first
      - files: { image: tool, from: /tool, to: /usr/bin/tool }
      - run: echo packages >/packages
  role:
    from: base
    steps:
      - files: { from: script, to: /usr/bin/role, mode: "0755", owner: daemon }
    command: [/usr/bin/role]
`

// newMachine returns a machine that has never built.
func newMachine(t *testing.T) machine {
	t.Helper()
	return machine{cold(t), specFile(t, machinesSpec, map[string]string{"script": "first"})}
}

// edit changes the spec, or a file beside it.
func (m machine) edit(t *testing.T, name, from, to string) {
	t.Helper()
	file := filepath.Join(filepath.Dir(m.spec), name)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), from) {
		t.Fatalf("%s has no %q", name, from)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(data), from, to, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

var ranCommands = regexp.MustCompile(`(?m)^built \d+ images? .*, running (\d+) commands?$`)

// push builds and publishes, and returns how many commands ran.
func (m machine) push(t *testing.T, args ...string) (commands int) {
	t.Helper()
	out := m.build(t, append([]string{"-f", m.spec, "--registry", registry(t), "--push", "--progress", "plain"}, args...)...).ok(t)
	if strings.Contains(out.stderr, "pulpimg:") {
		t.Errorf("it warns:\n%s", out.stderr)
	}
	return commandsOf(t, out)
}

// commandsOf returns how many commands a build ran.
func commandsOf(t *testing.T, out outcome) int {
	t.Helper()
	said := ranCommands.FindStringSubmatch(out.stdout)
	if said == nil {
		if strings.Contains(out.stdout, "nothing changed since build") {
			return 0
		}
		t.Fatalf("it does not say how many commands ran:\n%s", out.stdout)
	}
	n, err := strconv.Atoi(said[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// withoutEngine fails the test if the machine has, or had, the programs of an engine: without them, none has run.
func (m machine) withoutEngine(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(m.cache, "pulpimg", "engine")); err == nil {
		t.Error("an engine has run")
	}
}

// What one machine built, no other one builds: machines with empty caches, and a registry.
func TestMachines(t *testing.T) {
	env.lanes.own.enter(t)
	a, b, c, d := newMachine(t), newMachine(t), newMachine(t), newMachine(t)
	if n := a.push(t); n != 3 {
		t.Fatalf("the first machine ran %d commands, want all 3", n)
	}
	first := digestOf(t, registry(t)+"/role:1")

	if n := d.push(t); n != 0 { // nothing changed
		t.Errorf("an empty machine ran %d commands", n)
	}
	d.withoutEngine(t)
	if got := digestOf(t, registry(t)+"/role:1"); got != first {
		t.Errorf("it published %s, want %s", got, first)
	}

	b.edit(t, "script", "first", "second") // a role's script
	if n := b.push(t); n != 0 {
		t.Errorf("for a script, it ran %d commands", n)
	}
	b.withoutEngine(t)
	if got := inPodman(t, registry(t)+"/role:1", "sh", "-c", "cat /first /packages /usr/bin/tool /usr/bin/role && stat -c %U /usr/bin/role"); got != "first\npackages\ncompiled\nseconddaemon" {
		t.Errorf("the image has %q", got)
	}

	c.edit(t, "pulpimg.yaml", "echo packages", "echo more packages") // what comes before is known, and what comes behind is files
	if n := c.push(t); n != 1 {
		t.Errorf("for a package, it ran %d commands, want the one that changed", n)
	}

	a.edit(t, "pulpimg.yaml", "echo packages", "echo more packages") // the first machine again
	a.edit(t, "script", "first", "second")
	if err := os.RemoveAll(filepath.Join(a.cache, "pulpimg", "engine")); err != nil {
		t.Fatal(err)
	}
	if n := a.push(t); n != 0 {
		t.Errorf("the first machine ran %d commands again", n)
	}
	a.withoutEngine(t)
	if got := inPodman(t, registry(t)+"/role:1", "cat", "/packages", "/usr/bin/tool", "/usr/bin/role"); got != "more packages\ncompiled\nsecond" {
		t.Errorf("the image has %q", got)
	}
	// Archives need the layers, which come from the registry.
	d.build(t, "-f", d.spec, "--registry", registry(t), "-o", "oci:"+filepath.Join(t.TempDir(), "whole")).ok(t)
	d.withoutEngine(t)
}

// Of 20 commits, each with a tag of its own and each on an empty machine, 2 change what commands make.
func TestMachines_aTagForEachCommit(t *testing.T) {
	env.lanes.own.enter(t)
	var ran []string
	script, packages := "first", "packages"
	for commit := range 20 {
		m := newMachine(t)
		switch commit {
		case 7, 13:
			packages = fmt.Sprintf("packages of commit %d", commit)
		default:
			script = fmt.Sprintf("script of commit %d", commit)
		}
		m.edit(t, "script", "first", script)
		m.edit(t, "pulpimg.yaml", "echo packages", "echo "+packages)
		if n := m.push(t, "--tag", fmt.Sprintf("commit-%d", commit)); n > 0 {
			ran = append(ran, fmt.Sprintf("%d: %d", commit, n))
		} else {
			m.withoutEngine(t)
		}
	}
	if got, want := strings.Join(ran, ", "), "0: 3, 7: 1, 13: 1"; got != want {
		t.Errorf("commands ran in commits %s, want %s", got, want)
	}
}

// What is to believe nothing, does not.
func TestMachines_thatBelieveNothing(t *testing.T) {
	env.lanes.own.enter(t)
	newMachine(t).push(t)
	if n := newMachine(t).push(t, "--no-cache"); n != 3 {
		t.Errorf("with --no-cache, %d commands ran, want 3", n)
	}
	// What ran again is what counts now.
	last := newMachine(t)
	if n := last.push(t); n != 0 {
		t.Errorf("after that, %d commands ran", n)
	}
}

// Two machines that build the same at once make something else each. Both have the same in the end.
func TestMachines_atOnce(t *testing.T) {
	env.lanes.own.enter(t)
	spec := strings.Replace(machinesSpec, "echo packages", "cat /proc/sys/kernel/random/uuid", 1)
	var machines []machine
	for range 2 {
		machines = append(machines, machine{cold(t), specFile(t, spec, map[string]string{"script": "first"})})
	}
	var both sync.WaitGroup
	for _, m := range machines {
		both.Go(func() {
			m.build(t, "-f", m.spec, "--registry", registry(t), "--push", "--progress", "plain")
		})
	}
	both.Wait()
	for range 2 { // the first round tells and asks, the second one takes what is there
		for _, m := range machines {
			if n := m.push(t); n != 0 {
				t.Errorf("%d commands ran again", n)
			}
		}
	}
	var digests []string
	for _, m := range machines {
		m.push(t)
		digests = append(digests, digestOf(t, registry(t)+"/role:1"))
	}
	fresh := machine{cold(t), specFile(t, spec, map[string]string{"script": "first"})}
	if n := fresh.push(t); n != 0 {
		t.Errorf("a third machine ran %d commands", n)
	}
	if digests = append(digests, digestOf(t, registry(t)+"/role:1")); digests[0] != digests[1] || digests[1] != digests[2] {
		t.Errorf("they publish %s", digests)
	}
}

// digestOf returns the digest of what a registry has under a reference.
func digestOf(t *testing.T, reference string) string {
	t.Helper()
	ref, err := name.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	desc, err := remote.Head(ref)
	if err != nil {
		t.Fatal(err)
	}
	return desc.Digest.String()
}
