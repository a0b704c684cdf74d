package family

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// StopSignal is what ends a container of an image with a start when the family says nothing else, whatever the process of a base from
// outside would listen to.
const StopSignal = "SIGTERM"

// signalName is the form that package schema describes.
var signalName = schema.Signal.Regexp()

// stopSignal returns the stop signal that an image declares, as it is written.
func (r *resolver) stopSignal(t spec.Text) string {
	value, ok := r.substitute.expand(t, atBuild)
	if t.IsSet() && ok && !signalName.MatchString(value) {
		names := schema.Signals()
		for _, name := range schema.Signals() {
			names = append(names, "SIG"+name)
		}
		r.report.Add(t.At, cmp.Or(spec.DidYouMean(value, names), `write a name such as SIGQUIT, or a number from "1" to "64"`), "%q is no signal", value)
	}
	return value
}

// stopSignalOfStart returns the stop signal of an image with a start: its own or that of the nearest image of the family that has one. It
// reports one that pulp-helper does not listen to while a stage runs: pulp-helper is the first process of the container, for which the
// kernel drops such a signal. https://man7.org/linux/man-pages/man7/pid_namespaces.7.html
func (r *resolver) stopSignalOfStart(image *Image) string {
	from := image
	for from != nil && from.Config.StopSignal == "" {
		from = from.Parent
	}
	if from == nil {
		return StopSignal
	}
	value := from.Config.StopSignal
	if signalName.MatchString(value) && !slices.Contains(schema.StartSignals(), fullSignalName(value)) {
		at, hint := image.Declared.StopSignal.At, "write one of "
		if from != image {
			at, hint = image.Declared.Start.At, "give "+image.Name+" a stopsignal of its own: one of "
		}
		r.report.Add(at, hint+strings.Join(schema.StartSignals(), ", "), "%s has a start, which does not end on %s while it waits", image.Name, value)
	}
	return value
}

// fullSignalName returns a signal by its name with SIG, if it is one that a start listens to.
func fullSignalName(signal string) string {
	switch signal {
	case "1":
		return "SIGHUP"
	case "2":
		return "SIGINT"
	case "3":
		return "SIGQUIT"
	case "15":
		return "SIGTERM"
	}
	return "SIG" + strings.TrimPrefix(signal, "SIG")
}
