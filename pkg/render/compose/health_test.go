package compose_test

import (
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/pkg/render/compose"
)

func TestMarshal_healthcheck(t *testing.T) {
	for _, test := range []struct{ name, value, want string }{
		{"a command, with the defaults of docker", "{command: [a, $b]}", "    healthcheck:\n      test: [CMD, a, $$b]\n      interval: 30s\n      timeout: 30s\n      retries: 3\n    cap_drop"},
		{"a script, with every key", `{script: "a ${B}", interval: 2m, timeout: 1500ms, retries: 5, start_period: 1h, start_interval: 10s}`,
			"    healthcheck:\n      test: [CMD-SHELL, 'a $${B}']\n      interval: 2m\n      timeout: 1.5s\n      retries: 5\n      start_period: 1h\n      start_interval: 10s\n    cap_drop"},
		{"none", "none", "    stop_grace_period: 30s\n    cap_drop"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := familytest.Parse(t, `version: 1
name: f
registry: r.example
tag: t
services: { s: { url: "tcp://h:1" } }
images: { a: { from: scratch, steps: [ helpers: [wait] ], healthcheck: `+test.value+`, start: { wait: [s], command: [x] } } }
`)
			data, err := compose.Marshal(f, compose.Options{Images: images(f)})
			if err != nil || !strings.Contains(string(data), test.want) {
				t.Errorf("%v, no %q in\n%s", err, test.want, data)
			}
		})
	}
}
