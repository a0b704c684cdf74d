package compose

import "github.com/pulpimg/pulpimg/pkg/family"

// https://github.com/compose-spec/compose-spec/blob/main/05-services.md#healthcheck
type healthcheck struct {
	Test          []string `yaml:"test,flow"`
	Interval      string   `yaml:"interval"`
	Timeout       string   `yaml:"timeout"`
	Retries       int      `yaml:"retries"`
	StartPeriod   string   `yaml:"start_period,omitempty"`
	StartInterval string   `yaml:"start_interval,omitempty"`
}

func health(p *family.Probe) *healthcheck {
	if p == nil || p.TCP > 0 {
		return nil
	}
	h := &healthcheck{
		Test:     []string{"CMD"},
		Interval: duration(p.Interval),
		Timeout:  duration(p.Timeout),
		Retries:  p.Failures,
	}
	for _, word := range p.Command {
		h.Test = append(h.Test, escape(word))
	}
	if len(p.Command) == 0 {
		h.Test = []string{"CMD-SHELL", escape(p.Script)}
	}
	if p.StartPeriod > 0 {
		h.StartPeriod = duration(p.StartPeriod)
	}
	if p.StartInterval > 0 {
		h.StartInterval = duration(p.StartInterval)
	}
	return h
}
