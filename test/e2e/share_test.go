package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// Twelve builds of different specs at once use one engine, and none waits for another's.
func TestBuild_twelveAtOnce(t *testing.T) {
	p := cold(t)
	var builds []*process
	for i := range 12 {
		spec := specFile(t, strings.ReplaceAll(stampSpec, "stamp", fmt.Sprintf("stamp%d", i)), nil)
		builds = append(builds, p.start(t, "build", "-f", spec, "--source-policy", env.lab.Policy, "--registry", registry(t), "--push"))
	}
	engines := 0
	eventually(t, "an engine runs", func() bool {
		engines = 0
		for _, line := range processes(p.cache) {
			if strings.Contains(line, "/buildkitd ") && !strings.Contains(line, "engine-init") {
				engines++
			}
		}
		return engines > 0
	})
	if engines != 1 {
		t.Errorf("%d engines run", engines)
	}
	for _, build := range builds {
		if out := build.wait(t).ok(t); strings.Contains(out.stderr, "waiting") {
			t.Errorf("a build waits:\n%s", out.stderr)
		}
	}
	nothingRuns(t, p.cache)
}
