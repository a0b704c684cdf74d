package llb

import (
	"strings"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// healthcheck returns a health check as a config has it: the same as that of a Dockerfile's HEALTHCHECK.
func healthcheck(h family.Healthcheck) *dockerspec.HealthcheckConfig {
	return &dockerspec.HealthcheckConfig{
		Test:          h.Test(),
		Interval:      h.Interval,
		Timeout:       h.Timeout,
		StartPeriod:   h.StartPeriod,
		StartInterval: h.StartInterval,
		Retries:       h.Retries,
	}
}

// checkedBy describes a health check in the words of a Dockerfile, or returns nothing if none is declared.
func checkedBy(h *family.Healthcheck) string {
	if h == nil {
		return ""
	}
	words := h.Options()
	switch {
	case len(h.Command) > 0:
		words = append(words, "CMD", list(h.Command))
	case h.Script != "":
		words = append(words, "CMD", h.Script)
	default:
		words = append(words, "NONE")
	}
	return strings.Join(words, " ")
}
