package cluster

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// policyWith writes the lab's source policy with more rules: for each image that specs name, the reference of the one in its place.
func policyWith(t *testing.T, standIns map[string]string) string {
	t.Helper()
	data, err := os.ReadFile(env.lab.policy)
	if err != nil {
		t.Fatal(err)
	}
	var policy map[string]any
	if err := json.Unmarshal(data, &policy); err != nil {
		t.Fatal(err)
	}
	rules := policy["rules"].([]any)
	for named, standIn := range standIns {
		rules = append([]any{map[string]any{
			"action":   "CONVERT",
			"selector": map[string]any{"identifier": "docker-image://" + named},
			"updates":  map[string]any{"identifier": "docker-image://" + standIn},
		}}, rules...)
	}
	policy["rules"] = rules
	if data, err = json.Marshal(policy); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

const pythonSpec = `
version: 1
name: python
registry: docker.io/lab
tag: "1"
variables: { base: {} }
images:
  python:
    from: "${{ base }}"
    steps:
      - files:
          - { from: wheels, to: /srv/wheels }
          - { from: pip.conf, to: /etc/pip.conf }
          - { from: ensurepip, to: /usr/lib/python3.11/ensurepip }
          - { from: python-wheels, to: /usr/share/python-wheels }
`

// pushPython publishes what stands in for the image python: the lab's base with all of Debian's Python. Its pip finds what Debian has of
// some projects, and of what they need, instead of asking a registry.
func pushPython(t *testing.T, packages ...string) (reference string) {
	t.Helper()
	dir := t.TempDir()
	wheels := filepath.Join(dir, "wheels")
	if err := errors.Join(
		os.Mkdir(wheels, 0o755),
		os.WriteFile(filepath.Join(dir, "pip.conf"), []byte("[global]\nno-index = true\nfind-links = /srv/wheels\n"), 0o644),
		os.WriteFile(filepath.Join(dir, "pulpimg.yaml"), []byte(pythonSpec), 0o644),
	); err != nil {
		t.Fatal(err)
	}
	tool(t, "python3", append([]string{filepath.Join(env.root, "test/e2e/testdata/wheels.py"), wheels}, packages...)...)
	tool(t, "cp", "--recursive", "--dereference", "/usr/lib/python3.11/ensurepip", "/usr/share/python-wheels", dir)
	pulpimg(t, "build", "-f", filepath.Join(dir, "pulpimg.yaml"), "--set", "base="+env.lab.registry+"/fedora:20", "--push", "--registry", env.place)
	return env.place + "/python:1"
}

// tool runs a program that the tests need done.
func tool(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(env.ctx, name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// example copies an example, so that it can be changed, and returns its spec.
func example(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(env.root, "examples", name))); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "pulpimg.yaml")
}

// replaceIn replaces a text that a file has once.
func replaceIn(t *testing.T, file, old, replacement string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), old); n != 1 {
		t.Fatalf("%s has %q %d times, want once", file, old, n)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), old, replacement)), 0o644); err != nil {
		t.Fatal(err)
	}
}

const rootSpec = `
version: 1
name: NAME
registry: docker.io/lab
tag: "1"
variables: { base: {} }
images:
  NAME:
    from: "${{ base }}"
    env: { VARS }
    steps: [{ files: { from: root, to: / } }]
`

// pushRoot publishes the lab's base with programs of this machine, the libraries that they are linked with, and other files, at the same
// places; and with what fill puts into a directory that becomes the root.
func pushRoot(t *testing.T, name, vars string, programs, others []string, fill func(root string)) (reference string) {
	t.Helper()
	dir := t.TempDir()
	root := filepath.Join(dir, "root")
	if err := errors.Join(os.Mkdir(root, 0o755),
		os.WriteFile(filepath.Join(dir, "pulpimg.yaml"), []byte(strings.NewReplacer("NAME", name, "VARS", vars).Replace(rootSpec)), 0o644)); err != nil {
		t.Fatal(err)
	}
	if paths := append(libraries(t, programs...), append(programs, others...)...); len(paths) > 0 {
		tool(t, "cp", append([]string{"--recursive", "--parents", "--dereference", "--target-directory=" + root}, paths...)...)
	}
	if fill != nil {
		fill(root)
	}
	pulpimg(t, "build", "-f", filepath.Join(dir, "pulpimg.yaml"), "--set", "base="+env.lab.registry+"/fedora:20", "--push", "--registry", env.place)
	return env.place + "/" + name + ":1"
}

// libraries returns the libraries that programs are linked with.
func libraries(t *testing.T, programs ...string) []string {
	t.Helper()
	var paths []string
	for _, program := range programs {
		listed, err := exec.Command("ldd", program).Output()
		if err != nil {
			t.Fatalf("ldd %s: %v", program, err)
		}
		for line := range strings.Lines(string(listed)) {
			fields := strings.Fields(line) // libz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x00007f8c35608000)
			if len(fields) < 3 || fields[1] != "=>" {
				continue
			}
			dir, err := filepath.EvalSymlinks(filepath.Dir(fields[2])) // /lib is a link
			if err != nil {
				t.Fatal(err)
			}
			paths = append(paths, filepath.Join(dir, filepath.Base(fields[2])))
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}
