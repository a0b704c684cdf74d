package e2e

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// family of which one command is known.
const knownFamily = `version: 1
name: known
registry: registry.example.com/known
tag: "1"
images:
  base:
    from: docker.io/library/fedora:20
    steps:
      - run: echo made >/made
  role:
    from: base
    steps:
      - files: { from: script, to: /usr/bin/role, mode: "0755", owner: daemon }
    command: [/usr/bin/role]
`

// Who can run no engine at all builds and publishes what needs none: an ordinary user without user namespaces, with a cache in which the
// commands are known, and without a file of an engine.
func TestBuild_ofAnOrdinaryUserWithoutEngine(t *testing.T) {
	p := cold(t)
	spec := specFile(t, knownFamily, map[string]string{"script": "first"})
	p.build(t, "-f", spec, "--registry", registry(t)).ok(t)
	nothingRuns(t, p.cache)

	jo := newAccount(t)
	jo.withoutIDs(t)
	jo.copy(t, spec, "pulpimg.yaml", 0o644)
	for _, part := range []string{"layers", "images"} {
		copyCache(t, filepath.Join(p.cache, "pulpimg", part), filepath.Join(jo.home, ".cache", "pulpimg", part))
	}
	if err := jo.own(filepath.Join(jo.home, ".cache")); err != nil {
		t.Fatal(err)
	}
	for _, script := range []string{"first", "second"} {
		if err := os.WriteFile(filepath.Join(jo.home, "script"), []byte(script), 0o644); err != nil {
			t.Fatal(err)
		}
		out := jo.build(t, "--registry", registry(t), "--push", "--progress", "plain").ok(t)
		if !strings.Contains(out.stdout, "running 0 commands") {
			t.Errorf("of %s, it says:\n%s", script, out.stdout)
		}
	}
	if _, err := os.Stat(filepath.Join(jo.cache(), "engine")); err == nil {
		t.Error("there are files of an engine")
	}
	if got := inPodman(t, registry(t)+"/role:1", "cat", "/made", "/usr/bin/role"); got != "made\nsecond" {
		t.Errorf("the image has %q", got)
	}
	// The user can run no command, so what was known was needed.
	if err := os.WriteFile(filepath.Join(jo.home, "pulpimg.yaml"), []byte(strings.Replace(knownFamily, "echo made", "echo other", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := jo.build(t, "--registry", registry(t)); out.code == 0 {
		t.Errorf("a command ran:\n%s", out.stdout)
	}
}

// inPodman runs a command in a published image.
func inPodman(t *testing.T, reference string, command ...string) string {
	t.Helper()
	podman{}.pull(t, reference)
	return podman{}.run(t, append([]string{"run", "--rm", "--network", "host", "--ulimit", "nofile=1024:20000", "--ulimit", "nproc=1024:1024",
		"--entrypoint", command[0], reference}, command[1:]...)...)
}

// copyCache copies a directory of a cache.
func copyCache(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	root(t, "cp", "-a", from, to)
}

// The programs of the engine are not even unpacked for a family without commands.
func TestBuild_ofAFamilyWithoutCommands(t *testing.T) {
	p := cold(t)
	spec := specFile(t, strings.Replace(knownFamily, "- run: echo made >/made", "- files: { from: script, to: /made }", 1), map[string]string{"script": "file"})
	out := p.build(t, "-f", spec, "--registry", registry(t), "--push").ok(t)
	if !strings.Contains(out.stdout, "running 0 commands") {
		t.Errorf("it says:\n%s", out.stdout)
	}
	_ = filepath.WalkDir(p.cache, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(filepath.Base(name), "buildkit") {
			t.Errorf("there is %s", name)
		}
		return nil
	})
	if found, err := exec.Command("pgrep", "-f", p.cache).Output(); err == nil {
		t.Errorf("a process runs: %s", found)
	}
	if got := inPodman(t, registry(t)+"/role:1", "stat", "-c", "%U", "/usr/bin/role"); strings.TrimSpace(got) != "daemon" {
		t.Errorf("the file belongs to %q", got)
	}
}
