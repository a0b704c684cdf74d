package llb_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
)

func TestConfig_healthcheck(t *testing.T) {
	below := &dockerspec.HealthcheckConfig{Test: []string{"CMD", "/bin/below"}, Interval: time.Hour, Retries: 7}
	for _, test := range []struct {
		name, image string
		want        *dockerspec.HealthcheckConfig
		history     string // of HEALTHCHECK
	}{
		{"inherited", `from: below`, below, ""},
		{"its own, in place of all of the inherited one", `from: below, healthcheck: {command: [a, b c], timeout: 3s}`,
			&dockerspec.HealthcheckConfig{Test: []string{"CMD", "a", "b c"}, Timeout: 3 * time.Second}, `HEALTHCHECK --timeout=3s CMD ["a", "b c"]`},
		{"every key", `from: below, healthcheck: {script: "a || exit 1", interval: 1m, timeout: 3s, start_period: 10s, start_interval: 2s, retries: 5}`,
			&dockerspec.HealthcheckConfig{Test: []string{"CMD-SHELL", "a || exit 1"}, Interval: time.Minute, Timeout: 3 * time.Second, StartPeriod: 10 * time.Second, StartInterval: 2 * time.Second, Retries: 5},
			"HEALTHCHECK --interval=1m0s --timeout=3s --start-period=10s --start-interval=2s --retries=5 CMD a || exit 1"},
		{"none", `from: below, healthcheck: none`, &dockerspec.HealthcheckConfig{Test: []string{"NONE"}}, "HEALTHCHECK NONE"},
		{"a start takes it away", `from: below, steps: [helpers: [exec]], start: {command: [c]}`, nil, ""},
		{"a start with its own", `from: below, steps: [helpers: [exec]], start: {command: [c]}, healthcheck: {command: [a]}`,
			&dockerspec.HealthcheckConfig{Test: []string{"CMD", "a"}}, `HEALTHCHECK CMD ["a"]`},
		{"a start without any", `from: below, steps: [helpers: [exec]], start: {command: [c]}, healthcheck: none`,
			&dockerspec.HealthcheckConfig{Test: []string{"NONE"}}, "HEALTHCHECK NONE"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := resolve(t, specHeader+"images: { below: { from: \"fedora:20\" }, image: { "+test.image+" } }\n")
			var config dockerspec.DockerOCIImageConfig
			config.Healthcheck = below
			got, err := imageOn(t, f, config)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got.Config.Healthcheck); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			var history string
			for _, h := range got.History {
				if strings.HasPrefix(h.CreatedBy, "HEALTHCHECK ") {
					history += h.CreatedBy
				}
			}
			if history != test.history {
				t.Errorf("the history has %q, want %q", history, test.history)
			}
		})
	}
}
