package e2e

import "testing"

// A failed build does not remove earlier ones.
func TestBuild_failureKeepsEarlierBuilds(t *testing.T) {
	env.lanes.warm.enter(t)
	spec := specFile(t, filesSpec, filesOfSpec)
	good := []string{"-f", spec, "--set", "base=" + env.lab.Registry + "/files:1", "--registry", registry(t), "--format", "json"}
	built := warm().build(t, good...).result(t)
	warm().build(t, "-f", spec, "--set", "base="+env.lab.Registry+"/files:none", "--registry", registry(t)).fails(t, 1, `files:none: not found`)
	warm().run(t, "push", "-f", spec, "--set", "base="+env.lab.Registry+"/files:1", "--registry", registry(t)).ok(t)
	for _, img := range built.Images {
		if digest, err := image(t, img.Reference).Digest(); err != nil || digest.String() != img.Digest {
			t.Errorf("%s: published was %s (%v), not what the last good build made, %s", img.Image, digest, err, img.Digest)
		}
	}
}

// Nothing is published when an image of the family fails.
func TestPush_failedBuild(t *testing.T) {
	env.lanes.warm.enter(t)
	spec := specFile(t, `
version: 1
name: half
registry: docker.io/lab
tag: "1"
images:
  fine:
    from: docker.io/library/fedora:20
    steps: [ { run: "true" } ]
  broken:
    from: fine
    steps: [ { run: "echo no >&2; exit 3" } ]
`, nil)
	place := registry(t)
	warm().build(t, "-f", spec, "--registry", place, "--push").fails(t, 1, `pulpimg.yaml:12:14: \[broken 1/1\] run`, `exit code: 3`, `(?m)^#\d+ [\d.]+ no$`)
	absent(t, place+"/fine:1")
	absent(t, place+"/broken:1")
	out := warm().run(t, "push", "-f", spec, "--registry", place)
	out.fails(t, 1, "nothing was built yet")
}
