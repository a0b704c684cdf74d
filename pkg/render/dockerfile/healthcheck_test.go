package dockerfile_test

import (
	"strings"
	"testing"
)

// What an image with a start must not inherit is taken away where it may be there, and nowhere else.
func TestGenerate_healthcheckBehindStart(t *testing.T) {
	const role = "    steps: [helpers: [exec]]\n    start: { command: [c] }\n"
	for name, test := range map[string]struct {
		below string // lines of the image that the role is based on
		want  bool   // the role has HEALTHCHECK NONE
	}{
		"a base without any":  {"    from: scratch\n", false},
		"a base with one":     {"    from: scratch\n    healthcheck: { command: [a] }\n", true},
		"one further down":    {"    from: further\n  further:\n    from: scratch\n    healthcheck: { command: [a] }\n", true},
		"a start in between":  {"    from: further\n" + role + "  further:\n    from: scratch\n    healthcheck: { command: [a] }\n", false},
		"a base from outside": {"    from: example.com/x:1\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			texts, err := generateText(t, head+test.below+"  role:\n    from: i\n"+role)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(texts["role/Dockerfile"], "\nHEALTHCHECK NONE\n"); got != test.want {
				t.Errorf("it has HEALTHCHECK NONE: %t\n%s", got, texts["role/Dockerfile"])
			}
		})
	}
}
