package compose

import (
	"strconv"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// A deploy holds what a container may use.
// https://github.com/compose-spec/compose-spec/blob/main/deploy.md#resources
type deploy struct {
	Resources struct {
		Limits limits `yaml:"limits"`
	} `yaml:"resources"`
}

type limits struct {
	CPUs   string `yaml:"cpus,omitempty"`
	Memory string `yaml:"memory,omitempty"`
}

// limited returns the limits of an image. What it requests is for a cluster, which has to find a place for it.
func limited(w family.Workload) *deploy {
	out := limits{CPUs: w.ProcessorLimit()}
	if bytes := w.MemoryLimit(); bytes > 0 {
		out.Memory = strconv.FormatInt(bytes, 10)
	}
	if out == (limits{}) {
		return nil
	}
	d := &deploy{}
	d.Resources.Limits = out
	return d
}
