package spec

import (
	"math"
	"time"

	"gopkg.in/yaml.v3"
)

// A Healthcheck says how docker finds out whether a container works.
type Healthcheck struct {
	At Range
	// None is set when the value is a word in place of a mapping. The only one that means something is "none".
	None    Text
	Command []Text
	Script  Text
	HTTP    *HTTPCheck
	// What is left out is zero.
	Interval, Timeout, StartPeriod, StartInterval time.Duration
	Retries                                       int
}

// An HTTPCheck is a page of a server in the container.
type HTTPCheck struct {
	At   Range
	Port int
	Path Text
}

// healthcheck reads a mapping, or a word.
func (r *reader) healthcheck(n *yaml.Node, what string) *Healthcheck {
	h := &Healthcheck{At: r.rangeOf(n)}
	if scalar := r.follow(n); scalar.Kind == yaml.ScalarNode && scalar.ShortTag() == "!!str" {
		r.text(&h.None, what)(n)
		return h
	}
	if scalar := r.follow(n); scalar.Kind == yaml.ScalarNode && scalar.ShortTag() == "!!bool" {
		r.report.Add(h.At, "write healthcheck: none, or leave it out", "%s has to be a mapping, not %s", what, kindOf(scalar))
		return h
	}
	before := len(r.report.errors)
	if !r.objectWith(n, what, fields{
		"command":        r.texts(&h.Command, "command"),
		"script":         r.text(&h.Script, "script"),
		"http":           func(n *yaml.Node) { h.HTTP = r.httpCheck(n, what+".http") },
		"interval":       r.healthDuration(&h.Interval, "interval"),
		"timeout":        r.healthDuration(&h.Timeout, "timeout"),
		"start_period":   r.healthDuration(&h.StartPeriod, "start_period"),
		"start_interval": r.healthDuration(&h.StartInterval, "start_interval"),
		"retries":        r.retries(&h.Retries, "retries"),
	}, misplacedInHealthcheck) {
		return h
	}
	said := 0
	for _, is := range []bool{h.Script.Value != "", len(h.Command) > 0, h.HTTP != nil} {
		if is {
			said++
		}
	}
	if said != 1 && len(r.report.errors) == before {
		r.report.Add(h.At, "", "%s needs either a command, a script or http", what)
	}
	return h
}

// maxPort is the highest number of a port.
const maxPort = math.MaxUint16

func (r *reader) httpCheck(n *yaml.Node, what string) *HTTPCheck {
	h := &HTTPCheck{At: r.rangeOf(n)}
	before := len(r.report.errors)
	if !r.object(n, what, fields{"port": r.count(&h.Port, "port"), "path": r.text(&h.Path, "path")}) || len(r.report.errors) > before {
		return h
	}
	if h.Port < 1 || h.Port > maxPort {
		r.report.Add(h.At, "such as port: 8000", "%s needs a port from 1 to %d", what, maxPort)
	}
	return h
}

// minHealthDuration is the shortest span of time that docker takes.
// https://github.com/moby/buildkit/blob/v0.34.2/frontend/dockerfile/instructions/parse.go
const minHealthDuration = time.Millisecond

// healthDuration reads a span of time that docker takes. It takes 0 for one that is left out; here, that is left out.
func (r *reader) healthDuration(into *time.Duration, what string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if value, err := time.ParseDuration(r.follow(n).Value); err == nil && value == 0 {
			r.report.Add(r.rangeOf(n), "leave it out: to docker, 0 is its default", "%s has to be a span of time, not %s", what, kindOf(r.follow(n)))
			return
		}
		r.duration(into, what)(n)
		if *into > 0 && *into < minHealthDuration {
			r.report.Add(r.rangeOf(n), "", "%s has to be %s at least, not %s", what, minHealthDuration, *into)
		}
	}
}

// retries reads a number that docker takes.
func (r *reader) retries(into *int, what string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if r.count(into, what)(n); *into > math.MaxInt32 {
			r.report.Add(r.rangeOf(n), "", "%s has to be %d at most, not %d", what, math.MaxInt32, *into)
		}
	}
}
