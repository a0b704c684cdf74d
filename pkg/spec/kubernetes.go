package spec

import (
	"math"
	"time"

	"gopkg.in/yaml.v3"
)

// Kubernetes is what a family needs around its images when it runs: in a cluster, and in containers on one machine as far as they
// have the same.
type Kubernetes struct {
	At            Range
	Services      []Named[KubernetesService]
	Storage       *Storage
	NetworkPolicy bool
}

// A KubernetesService is a Service whose host and port its users find in their environment.
type KubernetesService struct {
	At       Range
	Port     int
	Selector []Named[Text]
	External Text
}

// Storage is what the images of a family share.
type Storage struct {
	At      Range
	Size    Text
	Access  Text
	Class   Text
	Volumes []Text
}

// A Workload says how containers of an image run.
type Workload struct {
	At               Range
	Kind             Text
	Schedule         Text
	Readiness        Text
	Singleton        bool
	Replicas         int
	Grace            time.Duration
	DisruptionBudget *DisruptionBudget
	Spread           Text
	// Capabilities is nil when the spec says nothing of them, unlike an empty list.
	Capabilities []Text
	Resources    Resources
}

// A DisruptionBudget bounds how many containers of an image may be taken away at once, as when nodes are emptied. One of its two is set.
type DisruptionBudget struct {
	At                           Range
	MinAvailable, MaxUnavailable Share
}

// A Share is a number of containers, or a percentage of all. If it is written nowhere, both are zero.
type Share struct {
	Number     int
	Percentage Text
}

// IsSet reports whether the share is written at all.
func (s Share) IsSet() bool { return s.Number > 0 || s.Percentage.IsSet() }

// Resources are what a container asks for and what it may have.
type Resources struct {
	At               Range
	Requests, Limits Amounts
}

// Amounts are amounts of resources.
type Amounts struct {
	At                            Range
	CPU, Memory, EphemeralStorage Text
}

func (r *reader) kubernetes(n *yaml.Node) *Kubernetes {
	k := &Kubernetes{At: r.rangeOf(n)}
	r.objectWith(n, "kubernetes", fields{
		"services":      named(r, &k.Services, "kubernetes.services", r.kubernetesService),
		"storage":       func(n *yaml.Node) { k.Storage = r.storage(n) },
		"networkPolicy": r.boolean(&k.NetworkPolicy, "networkPolicy"),
	}, misplacedInKubernetes)
	return k
}

func (r *reader) kubernetesService(n *yaml.Node, at Range, what string) KubernetesService {
	s := KubernetesService{At: at}
	if isNull(n) {
		return s
	}
	r.object(n, what, fields{
		"port": r.count(&s.Port, "port"),
		"selector": func(n *yaml.Node) {
			if r.namedTexts(&s.Selector, "selector")(n); len(s.Selector) == 0 {
				r.report.Add(r.rangeOf(n), "such as selector: {app: postgres}", "selector of %s selects nothing", what)
			}
		},
		"external": r.text(&s.External, "external"),
	})
	if len(s.Selector) > 0 && s.External.IsSet() {
		r.report.Add(s.External.At, "keep one of them", "%s has a selector, for pods of the cluster, and external, for a host outside it", what)
	}
	return s
}

func (r *reader) storage(n *yaml.Node) *Storage {
	s := &Storage{At: r.rangeOf(n)}
	if !r.object(n, "storage", fields{
		"size":    r.text(&s.Size, "size"),
		"access":  r.text(&s.Access, "access"),
		"class":   r.text(&s.Class, "class"),
		"volumes": r.texts(&s.Volumes, "volumes"),
	}) {
		return s
	}
	r.need(s.Size, s.At, "size", "storage")
	if len(s.Volumes) == 0 {
		r.report.AddAt(s.At.Start, "such as volumes: [/var/lib/app]", "storage needs the volumes that are kept in it")
	}
	return s
}

func (r *reader) workload(n *yaml.Node, what string) *Workload {
	w := &Workload{At: r.rangeOf(n)}
	switch r.follow(n).Value {
	case "deployment", "statefulset", "daemonset", "job", "cronjob":
		r.single(n, what, "write kubernetes: { kind: ", " }")
		return w
	}
	r.objectWith(n, what, fields{
		"kind":             r.text(&w.Kind, "kind"),
		"schedule":         r.text(&w.Schedule, "schedule"),
		"readiness":        r.text(&w.Readiness, "readiness"),
		"singleton":        r.boolean(&w.Singleton, "singleton"),
		"replicas":         r.count(&w.Replicas, "replicas"),
		"grace":            r.duration(&w.Grace, "grace"),
		"disruptionBudget": func(n *yaml.Node) { w.DisruptionBudget = r.disruptionBudget(n) },
		"spread":           r.text(&w.Spread, "spread"),
		"capabilities":     r.list(&w.Capabilities, "capabilities"),
		"resources":        func(n *yaml.Node) { w.Resources = r.resources(n) },
	}, misplacedInWorkload)
	if w.Singleton && w.Replicas > 0 {
		r.report.Add(w.At, "leave one of them out", "%s is a singleton and has a number of replicas", what)
	}
	return w
}

func (r *reader) disruptionBudget(n *yaml.Node) *DisruptionBudget {
	b := &DisruptionBudget{At: r.rangeOf(n)}
	before := r.report.Len()
	if r.object(n, "disruptionBudget", fields{
		"minAvailable":   r.share(&b.MinAvailable, "minAvailable"),
		"maxUnavailable": r.share(&b.MaxUnavailable, "maxUnavailable"),
	}) && b.MinAvailable.IsSet() == b.MaxUnavailable.IsSet() && r.report.Len() == before {
		r.report.Add(b.At, "such as maxUnavailable: 1", "disruptionBudget needs either minAvailable or maxUnavailable")
	}
	return b
}

// share reads a number from 1 up, or a string that is a percentage.
func (r *reader) share(into *Share, what string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		scalar := r.follow(n)
		if scalar.Kind == yaml.ScalarNode && scalar.ShortTag() == "!!str" {
			r.text(&into.Percentage, what)(n)
			return
		}
		if r.count(&into.Number, what)(n); into.Number > math.MaxInt32 {
			r.report.Add(r.rangeOf(n), "", "%s has to be %d at most, not %d", what, math.MaxInt32, into.Number)
		}
	}
}

func (r *reader) resources(n *yaml.Node) Resources {
	out := Resources{At: r.rangeOf(n)}
	r.objectWith(n, "resources", fields{
		"requests": func(n *yaml.Node) { out.Requests = r.amounts(n, "requests") },
		"limits":   func(n *yaml.Node) { out.Limits = r.amounts(n, "limits") },
	}, misplacedInResources)
	return out
}

func (r *reader) amounts(n *yaml.Node, what string) Amounts {
	out := Amounts{At: r.rangeOf(n)}
	r.object(n, what, fields{
		"cpu":               r.text(&out.CPU, "cpu"),
		"memory":            r.text(&out.Memory, "memory"),
		"ephemeral-storage": r.text(&out.EphemeralStorage, "ephemeral-storage"),
	})
	return out
}
