package e2e

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const checkedSpec = `version: 1
name: checked
registry: docker.io/lab
tag: "1"
images:
  app: { from: scratch, command: [/app], stopsignal: SIGQUIT, healthcheck: { command: [/app, check], interval: 1m, timeout: 3s, retries: 5, start_period: 10s } }
  inherits: { from: app, command: [/app] }
  none: { from: app, command: [/app], stopsignal: "12", healthcheck: none }
  role: { from: app, steps: [helpers: [exec]], start: { command: [/app] } }
`

// What an image says of its process arrives at the registry as docker reads it.
func TestConfig_stopSignalAndHealthcheck(t *testing.T) {
	env.lanes.warm.enter(t)
	place := registry(t)
	warm().build(t, "-f", specFile(t, checkedSpec, nil), "--registry", place, "--push").ok(t)
	check := &v1.HealthConfig{Test: []string{"CMD", "/app", "check"}, Interval: time.Minute, Timeout: 3 * time.Second, Retries: 5, StartPeriod: 10 * time.Second}
	for name, want := range map[string]v1.Config{
		"app":      {StopSignal: "SIGQUIT", Healthcheck: check},
		"inherits": {StopSignal: "SIGQUIT", Healthcheck: check},
		"none":     {StopSignal: "12", Healthcheck: &v1.HealthConfig{Test: []string{"NONE"}}},
		"role":     {StopSignal: "SIGQUIT"},
	} {
		got := config(t, image(t, place+"/"+name+":1")).Config
		if diff := cmp.Diff(want, v1.Config{StopSignal: got.StopSignal, Healthcheck: got.Healthcheck}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
