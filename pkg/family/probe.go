package family

import (
	"slices"
	"time"

	"github.com/pulpimg/pulpimg/pkg/startup/startscript"
)

// readiness fills in what the spec says of when a container is ready.
func (r *resolver) readiness(w *Workload, image *Image) {
	declared := image.Declared.Kubernetes.Readiness
	value, ok := r.substitute.expand(declared, atBuild)
	if !declared.IsSet() || !ok {
		return
	}
	w.AwaitsServices = true
	start := image.Start
	if start == nil {
		start = image.AbstractStart
	}
	switch {
	case value != "services":
		r.report.Add(declared.At, `write "services", or leave it out`, "%q is no way to be ready", value)
	case w.RunsOnce():
		r.report.Add(declared.At, "leave it out", "a %s is never ready: it ends", w.Kind)
	case image.Config.Healthcheck != nil && image.Config.Healthcheck.probe() != nil:
		r.report.Add(declared.At, "keep one of them", "%s is ready by its healthcheck, not by the services that it waits for", image.Name)
	case start == nil || len(start.Wait) == 0:
		r.report.Add(declared.At, "add them to start.wait, or leave it out", "%s waits for no services", image.Name)
	}
}

const (
	// servicesInterval is long: what a probe tells of a service, the service's own monitoring tells sooner.
	servicesInterval = 30 * time.Second
	servicesFailures = 2
	// servicesSlack is what a probe may take besides what the helper gives a service.
	servicesSlack = 3 * time.Second

	// portInterval is short: a new pod gets requests, and an old one may go, when the first probe succeeded. A connection costs nothing.
	portInterval = 5 * time.Second
	portTimeout  = 3 * time.Second
	portFailures = 3
)

// probe returns the probe of containers of an image, of whose workload the rest is known.
func (f *Family) probe(image *Image) *Probe {
	if image.Workload.RunsOnce() {
		return nil // nothing waits until it is ready: it waits until it ended
	}
	if image.Workload.AwaitsServices {
		return f.servicesProbe(image.Start)
	}
	if check := image.healthcheck(); check != nil {
		return check.probe()
	}
	tcp := slices.IndexFunc(image.Workload.Ports, func(p Port) bool { return p.Protocol == "tcp" })
	if tcp < 0 {
		return nil
	}
	return &Probe{TCP: image.Workload.Ports[tcp].Number, Interval: portInterval, Timeout: portTimeout, Failures: portFailures}
}

// servicesProbe asks the services that a start waits for.
func (f *Family) servicesProbe(start *Start) *Probe {
	if start == nil {
		return nil // an image that is not run
	}
	var longest time.Duration
	for _, s := range f.Contract.Services {
		if slices.Contains(start.Wait, s.Name) {
			longest = max(longest, s.Timeout)
		}
	}
	return &Probe{
		Command:  append([]string{startscript.Helper, "wait", "--tries", "1"}, start.Wait...),
		Interval: servicesInterval,
		Timeout:  longest + servicesSlack,
		Failures: servicesFailures,
	}
}
