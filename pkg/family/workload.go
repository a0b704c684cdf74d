package family

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// A Workload says how containers of an image run. It is derived once, here: packages that write it down for a tool, such as Kubernetes,
// Compose or docker, only translate it.
type Workload struct {
	// Kind is what runs them in a cluster. Once a family is resolved, it is set.
	Kind Kind
	// Schedule is when containers of the kind cronjob run, in UTC and in the notation of cron.
	Schedule string
	// AwaitsServices says that a container is ready as long as the services answer that it waits for when it starts.
	AwaitsServices bool
	// Singleton says that there must never be two at a time.
	Singleton bool
	// Replicas is how many there are, 1 at least.
	Replicas int
	// Grace is how long a container may take to end after it was told to.
	Grace time.Duration
	// Requests and Limits are quantities in Kubernetes' notation, by the name of the resource.
	Requests, Limits map[string]string
	// DisruptionBudget bounds how many may be taken away at once, or is nil.
	DisruptionBudget *DisruptionBudget
	// SpreadOver is what they are spread over as far as there is room, host or zone; empty for whatever a cluster does.
	SpreadOver string
	// DeclaredCapabilities are those of Capabilities that the spec lists for the commands of the image, in its order. It is nil, and not empty,
	// when the spec has no list.
	DeclaredCapabilities []string
	// At is where the spec says so; the zero Range, if it says nothing of it.
	At spec.Range

	// User is who a container starts as: USER or USER:GROUP. It is empty if only the base from outside knows.
	User string
	// Capabilities are what a container has to be allowed besides what every process may, sorted and without CAP_.
	Capabilities []string
	// Required are the variables that need a value.
	Required []string
	// Sockets are the paths of sockets of the machine that have to be at the same paths in a container.
	Sockets []string
	// Secrets are the files that containers get from outside.
	Secrets []Secret
	// Volumes are the volumes in the family's storage. They outlive containers.
	Volumes []Volume
	// Ports are the ports at which a container listens.
	Ports []Port
	// After are the images of jobs whose end the start of a container waits for. They need not be among those that are selected.
	After []string
	// Probe tells whether a container is ready, or is nil.
	Probe *Probe
}

// A Volume is a directory of an image that is kept in the family's storage.
type Volume struct {
	// Name tells it apart from the family's other volumes.
	Name string
	// Path is where it is in containers.
	Path string
}

// A Port is a port at which containers listen.
type Port struct {
	Number   int
	Protocol string // tcp or udp
}

// A Probe is what succeeds in a container that is ready: the health check of the image or, if it has none, a connection to its first TCP port.
// If the spec asks for it, it is a command that asks the services which the container waits for when it starts.
type Probe struct {
	// Command is a program with its arguments. If there is none, Script is for a shell.
	Command []string
	Script  string
	// HTTP, unless it is nil, is the page that Command asks for.
	HTTP *HTTPProbe
	// TCP is a port that has to be open, in place of a command and a script; 0, if it is one of these. What runs containers on one machine
	// cannot look at a port from outside, and leaves it out.
	TCP int
	// Interval is the time between two probes, and Timeout is how long one may take.
	Interval, Timeout time.Duration
	// Failures is how many probes in a row have to fail before the container counts as not ready.
	Failures int
	// StartPeriod is how long failures do not count after the start, and StartInterval is the time between two probes meanwhile. Either may
	// be zero, which is the default of whatever runs the container.
	StartPeriod, StartInterval time.Duration
}

// workload returns what the spec says about the containers of an image, whose start is resolved.
func (r *resolver) workload(image *Image) Workload {
	declared := image.Declared.Kubernetes
	if declared == nil {
		return Workload{Replicas: 1, Grace: schema.DefaultGrace}
	}
	w := Workload{
		Singleton: declared.Singleton,
		Replicas:  max(declared.Replicas, 1),
		Grace:     cmp.Or(declared.Grace, schema.DefaultGrace),
		Requests:  r.quantities(declared.Resources.Requests),
		Limits:    r.quantities(declared.Resources.Limits),
		At:        declared.At,
	}
	r.checkMemory(w.Limits["memory"], declared.Resources.Limits.Memory)
	r.kind(&w, *declared)
	r.readiness(&w, image)
	w.DisruptionBudget = r.disruptionBudget(w, declared.DisruptionBudget)
	w.SpreadOver = r.spread(w, declared.Spread)
	if declared.Capabilities != nil {
		w.DeclaredCapabilities = []string{}
	}
	for _, c := range declared.Capabilities {
		if strings.HasPrefix(c.Value, "CAP_") {
			r.report.Add(c.At, "leave out CAP_", "%q is no capability in the notation of Kubernetes", c.Value)
			continue
		}
		w.DeclaredCapabilities = append(w.DeclaredCapabilities, r.matchForm(c, capability, "capability"))
	}
	if w.Grace%time.Second != 0 {
		r.report.Add(declared.At, `such as "30s" or "10m"`, "grace is counted in whole seconds, not in %s", w.Grace)
	}
	return w
}

func (r *resolver) quantities(declared spec.Amounts) map[string]string {
	out := map[string]string{}
	for _, d := range []struct {
		name, what string
		text       spec.Text
		form       form
	}{
		{"cpu", `amount of processors: write "2", "0.5" or "500m"`, declared.CPU, cpuAmount},
		{"memory", "amount of bytes: write a number and Mi or Gi", declared.Memory, bytesAmount},
		{"ephemeral-storage", "amount of bytes: write a number and Mi or Gi", declared.EphemeralStorage, bytesAmount},
	} {
		if d.text.IsSet() {
			out[d.name] = r.matchForm(d.text, d.form, d.what)
		}
	}
	return out
}

// checkMemory reports a limit below which no process starts: its unit was left out.
func (r *resolver) checkMemory(limit string, t spec.Text) {
	if bytes, ok := amount(limit); ok && bytesAmount.MatchString(limit) && bytes.Cmp(leastMemory()) < 0 {
		r.report.Add(t.At, "give it a unit, such as 512Mi", "with %s bytes of memory, nothing starts", bytes.FloatString(0))
	}
}

// derive fills in what follows from the image and its family, in which there are no errors. Required are the variables that all images of the
// family require: a start has them among its own.
func (w *Workload) derive(f *Family, image *Image, required []string) {
	w.User, w.Secrets, w.Required = image.user(), image.secrets(), required
	if s := image.Start; s != nil {
		w.Required, w.Sockets, w.After = s.Variables, s.Sockets, jobsOf(s, f.Jobs)
	}
	if s := f.Kubernetes.Storage; s != nil {
		for _, path := range image.all(func(c Config) []string { return c.Volumes }) {
			if slices.Contains(s.Volumes, path) {
				w.Volumes = append(w.Volumes, Volume{Name: volumeName(path), Path: path})
			}
		}
	}
	for _, port := range image.all(func(c Config) []string { return c.Ports }) {
		number, protocol, _ := strings.Cut(port, "/")
		n, _ := strconv.Atoi(number) // it is a number: see resolver.ports
		w.Ports = append(w.Ports, Port{Number: n, Protocol: protocol})
	}
	w.Capabilities = image.capabilities(f.Contract)
	if w.Kind == "" {
		w.Kind = image.kind()
	}
	w.Probe = f.probe(image)
}

// user returns the user of the image's configuration, which it may inherit in the family.
func (i *Image) user() string {
	for ; i != nil; i = i.Parent {
		if i.Config.User != "" {
			return i.Config.User
		}
	}
	return ""
}

// all returns what an image has of something, with what it inherits in the family, each once.
func (i *Image) all(of func(Config) []string) []string {
	var out []string
	for ; i != nil; i = i.Parent {
		out = append(out, of(i.Config)...)
	}
	return once(out)
}
