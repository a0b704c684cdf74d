package e2e

import (
	"fmt"
	"strings"
	"testing"
)

func TestBuild_tooManyLayers(t *testing.T) {
	env.lanes.warm.enter(t)
	place := registry(t)
	const below = 100
	base := specFile(t, "version: 1\nname: tall\nregistry: docker.io/lab\ntag: \"1\"\nimages:\n  tall:\n    from: scratch\n    steps:\n"+
		strings.Repeat("      - files: { from: file, to: /file }\n", below), map[string]string{"file": "text\n"})
	warm().build(t, "-f", base, "--registry", place, "--push").ok(t)
	on := func(steps int) string {
		return specFile(t, fmt.Sprintf("version: 1\nname: taller\nregistry: docker.io/lab\ntag: \"1\"\nimages:\n  middle:\n    from: %s/tall:1\n    steps: [ { run: /no-such-program } ]\n"+
			"  taller:\n    from: middle\n    steps:\n%s", place, strings.Repeat("      - run: /no-such-program\n", steps-1)), nil)
	}
	out := warm().build(t, "-f", on(26))
	out.fails(t, 1, `pulpimg.yaml:9:3: taller would have 126 layers: 100 of .*/tall:1 and 26 of its steps and those that it inherits; more than 125 cannot be pulled by docker`, `hint: join some of its steps`)
	if strings.Contains(out.stderr, "[middle 1/1]") {
		t.Errorf("a command runs all the same:\n%s", out.stderr)
	}
	warm().build(t, "-f", on(25)).fails(t, 1, `\[middle 1/1\] run /no-such-program`)
}
