package kubernetes_test

import (
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/pkg/render/kubernetes"
)

func TestPods_healthcheck(t *testing.T) {
	const probe = "readinessProbe:\n      exec:\n        command:\n"
	for _, test := range []struct{ name, value, want string }{
		{"a command, with the defaults of docker", "{command: [a, $(B)]}", probe + "        - a\n        - $$(B)\n      failureThreshold: 3\n      periodSeconds: 30\n      timeoutSeconds: 30\n"},
		{"a script, whole seconds", `{script: "a $$", interval: 1ms, timeout: 1500ms, retries: 2147483647, start_period: 1h}`,
			probe + "        - /bin/sh\n        - -c\n        - a $$$$\n      failureThreshold: 2147483647\n      periodSeconds: 1\n      timeoutSeconds: 2\n"},
		{"the longest", `{command: [a], interval: 2500000h, timeout: 2500000h}`, "periodSeconds: 2147483647\n      timeoutSeconds: 2147483647\n"},
		{"none", "none", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := familytest.Parse(t, `version: 1
name: f
registry: r.example
tag: t
services: { s: { url: "tcp://h:1" } }
images: { a: { from: scratch, steps: [ helpers: [wait] ], healthcheck: `+test.value+`, start: { wait: [s], command: [x] } } }
`)
			objects, err := kubernetes.Pods(f, kubernetes.Options{Images: familytest.Digests(f)})
			text := write(t, objects, err)
			if !strings.Contains(text, test.want) || strings.Contains(text, "Probe") != (test.want != "") {
				t.Errorf("want %q in\n%s", test.want, text)
			}
		})
	}
}
