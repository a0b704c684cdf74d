package inventory

import (
	"time"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// A Healthcheck is how docker finds out whether a container works. With neither a command nor a script, there is none, whatever the base has.
type Healthcheck struct {
	At string `json:"at"`
	// Image is the image that the whole is inherited from.
	Image         string     `json:"inherited_from,omitempty"`
	Command       []Value    `json:"command,omitempty"`
	Script        *Value     `json:"script,omitempty"`
	HTTP          *HTTPCheck `json:"http,omitempty"`
	Interval      *Value     `json:"interval,omitempty"`
	Timeout       *Value     `json:"timeout,omitempty"`
	StartPeriod   *Value     `json:"start_period,omitempty"`
	StartInterval *Value     `json:"start_interval,omitempty"`
	Retries       *Value     `json:"retries,omitempty"`
	// None is "none" when there is no health check.
	None *Value `json:"none,omitempty"`
}

// An HTTPCheck is a page of a server in the container.
type HTTPCheck struct {
	Port Value `json:"port"`
	Path Value `json:"path"`
}

// healthcheck lists the health check that an image declares or inherits in its family, or returns nil.
func (l lister) healthcheck(image *family.Image) *Healthcheck {
	for i := image; i != nil; i = i.Parent {
		from := ""
		if i != image {
			from = i.Name
		}
		if h := i.Config.Healthcheck; h != nil {
			return l.declaredHealthcheck(*h, *i.Declared.Healthcheck, from)
		}
		if i.Config.NoHealthcheck {
			return nil
		}
	}
	return nil
}

func (l lister) declaredHealthcheck(h family.Healthcheck, declared spec.Healthcheck, from string) *Healthcheck {
	out := &Healthcheck{
		At: l.at(declared.At), Image: from, Script: l.optional(h.Script, declared.Script, ""), None: l.optional("none", declared.None, ""),
		Command: l.words(h.Command, declared.Command),
	}
	if h.HTTP != nil && declared.HTTP != nil {
		out.HTTP = &HTTPCheck{
			Port: l.orBuiltIn(h.HTTP.Port, true, declared.HTTP.At),
			Path: l.orBuiltIn(h.HTTP.Path, false, declared.HTTP.At),
		}
		if declared.HTTP.Path.IsSet() {
			out.HTTP.Path = l.specValue(h.HTTP.Path, declared.HTTP.Path)
		}
	}
	for _, span := range []struct {
		into  **Value
		value time.Duration
	}{{&out.Interval, h.Interval}, {&out.Timeout, h.Timeout}, {&out.StartPeriod, h.StartPeriod}, {&out.StartInterval, h.StartInterval}} {
		if span.value > 0 {
			*span.into = new(l.orBuiltIn(span.value, true, declared.At))
		}
	}
	if h.Retries > 0 {
		out.Retries = new(l.orBuiltIn(h.Retries, true, declared.At))
	}
	return out
}
