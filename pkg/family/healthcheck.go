package family

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
	"github.com/pulpimg/pulpimg/pkg/startup/startscript"
)

// A Healthcheck says how docker finds out whether a container works.
// https://github.com/moby/docker-image-spec/blob/v1.3.1/spec.md
type Healthcheck struct {
	// Command is a program with its arguments, and Script is for the shell of the image. One of them is set, or none of them: then there
	// is no check, and none is inherited.
	Command []string
	Script  string
	// HTTP is what Command asks for, if it is pulp-helper's command for that. Whatever runs containers may ask itself.
	HTTP *HTTPProbe `json:"-"`
	// What is zero has docker's default.
	Interval, Timeout, StartPeriod, StartInterval time.Duration
	Retries                                       int
}

// An HTTPProbe is a page of a server in a container. It is there if a GET request gets a status from 200 to 399.
type HTTPProbe struct {
	Port int
	// Path begins with a slash and may have a query.
	Path string
}

// command returns the words with which a container asks for the page itself. Docker's timeout is that of the helper, too.
func (p HTTPProbe) command(timeout time.Duration) []string {
	words := []string{startscript.Helper, "check"}
	if timeout > 0 && timeout != healthTimeout {
		words = append(words, "--timeout", timeout.String())
	}
	return append(words, fmt.Sprintf("http://127.0.0.1:%d%s", p.Port, p.Path))
}

// Test returns what is run, in the words of an image's config: CMD and a command, CMD-SHELL and a script, or NONE.
func (h Healthcheck) Test() []string {
	switch {
	case len(h.Command) > 0:
		return append([]string{"CMD"}, h.Command...)
	case h.Script != "":
		return []string{"CMD-SHELL", h.Script}
	}
	return []string{"NONE"}
}

// Options returns the other values, in the words of a Dockerfile: --interval=30s.
func (h Healthcheck) Options() []string {
	var out []string
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"interval", h.Interval}, {"timeout", h.Timeout}, {"start-period", h.StartPeriod}, {"start-interval", h.StartInterval}} {
		if d.value != 0 {
			out = append(out, fmt.Sprintf("--%s=%s", d.name, d.value))
		}
	}
	if h.Retries != 0 {
		out = append(out, fmt.Sprintf("--retries=%d", h.Retries))
	}
	return out
}

// What docker takes for values that are left out.
// https://docs.docker.com/reference/dockerfile/#healthcheck
const (
	healthInterval = 30 * time.Second
	healthTimeout  = 30 * time.Second
	healthRetries  = 3
)

// probe returns the probe that is this check, with docker's defaults, or nil if there is none.
func (h Healthcheck) probe() *Probe {
	if len(h.Command) == 0 && h.Script == "" {
		return nil
	}
	return &Probe{
		Command:       slices.Clone(h.Command),
		Script:        h.Script,
		HTTP:          h.HTTP,
		Interval:      cmp.Or(h.Interval, healthInterval),
		Timeout:       cmp.Or(h.Timeout, healthTimeout),
		Failures:      cmp.Or(h.Retries, healthRetries),
		StartPeriod:   h.StartPeriod,
		StartInterval: h.StartInterval,
	}
}

// noHealthcheck is the form that package schema describes.
var noHealthcheck = schema.NoHealthcheck.Regexp()

// healthcheck returns the health check that an image declares, or nil.
func (r *resolver) healthcheck(d *spec.Healthcheck) *Healthcheck {
	if d == nil {
		return nil
	}
	if value, ok := r.substitute.expand(d.None, atBuild); d.None.IsSet() {
		if ok && !noHealthcheck.MatchString(value) {
			r.report.Add(d.None.At, "write a mapping with a command, a script or http, or none", "%q is no health check", value)
		}
		return &Healthcheck{}
	}
	r.program(d.Command, atBuild)
	if len(d.Command) > 0 {
		switch first := d.Command[0]; first.Value {
		case "CMD", "NONE":
			r.report.Add(first.At, "leave the word out; healthcheck: none takes away the check of the base", "%s is a word of Dockerfiles and Compose files, and no program", first.Value)
		case "CMD-SHELL":
			r.report.Add(first.At, "write script: in place of command: [CMD-SHELL, ...]", "CMD-SHELL is a word of Dockerfiles and Compose files, and no program")
		}
	}
	h := &Healthcheck{
		Command:       r.substitute.texts(d.Command, atBuild),
		Script:        r.healthScript(d.Script),
		Interval:      d.Interval,
		Timeout:       d.Timeout,
		StartPeriod:   d.StartPeriod,
		StartInterval: d.StartInterval,
		Retries:       d.Retries,
	}
	if d.HTTP != nil {
		h.HTTP = &HTTPProbe{Port: d.HTTP.Port, Path: cmp.Or(r.matchForm(d.HTTP.Path, checkPath, "path for a request"), "/")}
		h.Command = h.HTTP.command(h.Timeout)
	}
	return h
}

// checkPath is the form that package schema describes.
var checkPath = formOf(schema.CheckPath)

// healthScript returns a script without the line ends around it: they mean nothing to a shell, and a Dockerfile has no way to write them.
func (r *resolver) healthScript(t spec.Text) string {
	value, ok := r.substitute.expand(t, verbatim)
	script := strings.Trim(value, "\n")
	if t.IsSet() && ok && script == "" {
		r.report.Add(t.At, "", "the script of healthcheck is empty")
	}
	return script
}

// healthcheck returns the health check that the family gives an image, its own or one that it inherits. It is nil where the base from outside
// decides, and where a start takes away what is inherited.
func (i *Image) healthcheck() *Healthcheck {
	for ; i != nil; i = i.Parent {
		if i.Config.Healthcheck != nil || i.Config.NoHealthcheck {
			return i.Config.Healthcheck
		}
	}
	return nil
}

// length is how much text the check has.
func (h *Healthcheck) length() int {
	if h == nil {
		return 0
	}
	n := len(h.Script)
	for _, word := range h.Command {
		n += len(word)
	}
	return n
}
