package spec

import (
	"fmt"
	"strings"
	"testing"
)

// A key of another tool, or of another object, gets a hint of what to write.
func TestParse_misplacedKeys(t *testing.T) {
	for _, test := range []struct{ place, key, hint string }{
		{"spec", "secrets", "write it for an image: images.IMAGE.secrets"},
		{"spec", "volumes", "write it for an image: images.IMAGE.volumes; kubernetes.storage keeps them in a cluster"},
		{"spec", "env", "write environment, or images.IMAGE.env for what an image sets"},
		{"spec", "from", "write it for an image: images.IMAGE.from"},
		{"spec", "base", "write it for an image: images.IMAGE.from"},
		{"spec", "args", "write variables"},
		{"image", "replicas", "it belongs into kubernetes: { replicas: ... }"},
		{"image", "disruptionBudget", "it belongs into kubernetes: { disruptionBudget: ... }"},
		{"image", "wait", "it belongs into start: { wait: ... }"},
		{"image", "umask", "it belongs into start: { umask: ... }"},
		{"image", "environment", "values of containers are declared under environment, at the top of the spec"},
		{"image", "envFrom", "values of containers are declared under environment, at the top of the spec"},
		{"image", "depends_on", "declare a service, with a job if it waits for an image, and name it in start: { wait: [...] }"},
		{"image", "restart", "leave it out: containers are started again, those of a job only when they fail"},
		{"image", "deploy", "write kubernetes: { replicas: ... }"},
		{"image", "args", "write command, or variables at the top of the spec for what a build is given"},
		{"image", "build_args", "write variables, at the top of the spec"},
		{"image", "base", "write from"},
		{"image", "image", "write from"},
		{"image", "test", "write healthcheck: { command: [...] }"},
		{"image", "livenessProbe", "write healthcheck, which is a readiness probe in a cluster"},
		{"image", "stop_grace_period", "write kubernetes: { grace: ... }"},
		{"image", "stop_signal", "write stopsignal"},
		{"image", "run", "it is a step: steps: [{ run: ... }]"},
		{"image", "lens", "it is a step: steps: [{ lens: ... }]"},
		{"image", "working_dir", "write workdir"},
		{"image", "services", "write start: { wait: [...] }"},
		{"image", "settings", "write start: { configure: [...] }"},
		{"image", "expose", "write ports"},
		{"image", "cmd", "write command"},
		{"start", "secrets", "write it for an image: images.IMAGE.secrets"},
		{"start", "env", "values of containers are declared under environment, at the top of the spec"},
		{"start", "workingDir", "write workdir"},
		{"start", "entrypoint", "write command"},
		{"start", "files", "it belongs into require: { files: ... }"},
		{"start", "settings", "write configure"},
		{"start", "depends_on", "write wait"},
		{"healthcheck", "test", "write command, a list of words, or script"},
		{"healthcheck", "disable", "write healthcheck: none"},
		{"healthcheck", "httpGet", "write http: { port: ..., path: ... }"},
		{"healthcheck", "port", "it belongs into http: { port: ... }"},
		{"healthcheck", "periodSeconds", "write interval"},
		{"healthcheck", "timeoutSeconds", "write timeout"},
		{"healthcheck", "failureThreshold", "write retries"},
		{"healthcheck", "initialDelaySeconds", "write start_period"},
		{"kubernetes", "replicas", "write it for an image: images.IMAGE.kubernetes.replicas"},
		{"kubernetes", "secrets", "write it for an image: images.IMAGE.secrets"},
		{"kubernetes", "volumes", "it belongs into storage: { volumes: ... }"},
		{"workload", "secrets", "write it for an image: images.IMAGE.secrets"},
		{"workload", "storage", "it belongs into kubernetes at the top of the spec"},
		{"workload", "env", "values of containers are declared under environment, at the top of the spec"},
		{"workload", "limits", "it belongs into resources: { limits: ... }"},
		{"workload", "cpu", "write resources: { requests: { cpu: ... } }, or limits"},
		{"workload", "maxUnavailable", "it belongs into disruptionBudget: { maxUnavailable: ... }"},
		{"workload", "readinessProbe", "write healthcheck, a key of the image"},
		{"workload", "terminationGracePeriodSeconds", "write grace"},
		{"resources", "memory", "write requests: { memory: ... } or limits: { memory: ... }"},
	} {
		t.Run(test.place+" "+test.key, func(t *testing.T) {
			yaml := fmt.Sprintf(places[test.place], test.key+": a")
			if test.place == "spec" {
				yaml = head + images + test.key + ": a\n"
			}
			_, err := Parse("f.yaml", []byte(yaml))
			first := fmt.Sprintf("unknown key %q in ", test.key)
			if got := message(err); !strings.Contains(got, first) || !strings.Contains(got, " ("+test.hint+")") {
				t.Errorf("got\n%s\nwant the hint\n%s", got, test.hint)
			}
		})
	}
}
