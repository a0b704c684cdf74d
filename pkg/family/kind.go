package family

import (
	"slices"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// A Kind is what runs containers of an image in a cluster: the kind of an object of Kubernetes in small letters.
type Kind string

// The kinds.
const (
	// KindDeployment has pods without names of their own: a Singleton ends before its successor starts, others are replaced one by one.
	KindDeployment Kind = "deployment"
	// KindStatefulSet has pods with names that stay.
	KindStatefulSet Kind = "statefulset"
	// KindDaemonSet has a pod on each node.
	KindDaemonSet Kind = "daemonset"
	// KindJob runs once, and KindCronJob once at each time of a schedule.
	KindJob     Kind = "job"
	KindCronJob Kind = "cronjob"
)

// RunsOnce reports whether a container that ended well has done what it is there for, and is not started again.
func (w Workload) RunsOnce() bool { return w.Kind == KindJob || w.Kind == KindCronJob }

// kind returns the kind of an image of which the spec says none, so that it is the most careful one that fits. A job cannot be told from what
// goes on: it is said.
func (i *Image) kind() Kind {
	w := i.Workload
	volumes := i.all(func(c Config) []string { return c.Volumes })
	if w.Singleton || len(w.Ports) > 0 && len(volumes) == 0 {
		return KindDeployment
	}
	return KindStatefulSet
}

// kind fills in the kind that the spec declares, if it does.
func (r *resolver) kind(w *Workload, declared spec.Workload) {
	kind, ok := r.substitute.expand(declared.Kind, atBuild)
	if declared.Kind.IsSet() && ok {
		if !slices.Contains(schema.WorkloadKinds(), kind) {
			r.report.Add(declared.Kind.At, spec.DidYouMean(kind, schema.WorkloadKinds()), "%q is not a kind of workload", kind)
			return
		}
		w.Kind = Kind(kind)
		r.checkCount(*w, declared)
	}
	w.Schedule = r.schedule(declared.Schedule)
	switch {
	case declared.Kind.IsSet() && !ok:
	case w.Kind == KindCronJob && !declared.Schedule.IsSet():
		r.report.Add(declared.Kind.At, `such as schedule: "0 3 * * *"`, "a cronjob needs a schedule")
	case w.Kind != KindCronJob && declared.Schedule.IsSet():
		r.report.Add(declared.Schedule.At, "add kind: cronjob, or leave it out", "only a cronjob has a schedule")
	}
}

// checkCount reports a number of containers, where the kind says how many there are.
func (r *resolver) checkCount(w Workload, declared spec.Workload) {
	var why string
	switch {
	case w.RunsOnce():
		why = "it runs once"
	case w.Kind == KindDaemonSet:
		why = "it runs on each node"
	default:
		return
	}
	if declared.Singleton {
		r.report.Add(declared.Kind.At, "leave singleton out", "a %s is no singleton: %s", w.Kind, why)
	}
	if declared.Replicas > 0 {
		r.report.Add(declared.Kind.At, "leave replicas out", "a %s has no number of replicas: %s", w.Kind, why)
	}
}
