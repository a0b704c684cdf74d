package family

import (
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// jobs returns the images that the services name as their jobs, by service.
func (r *resolver) jobs() map[string]string {
	out := map[string]string{}
	for _, s := range r.spec.Services {
		if r.budget.done() {
			return nil
		}
		t := s.Value.Job
		name, ok := r.substitute.expand(t, atBuild)
		if !t.IsSet() || !ok {
			continue
		}
		if r.checkJob(t, name) {
			out[s.Name.Value] = name
		}
	}
	r.checkJobCycles(out)
	return out
}

// checkJob reports a job that is none, and reports whether it is one.
func (r *resolver) checkJob(t spec.Text, name string) bool {
	_, declared := r.declared[name]
	image := r.resolved[name]
	switch several := r.called(name); {
	case !declared && len(several) > 0:
		r.report.Add(t.At, "name one of them, such as "+several[0], "%s is a matrix, which makes several images", name)
	case !declared:
		r.report.Add(t.At, spec.DidYouMean(name, r.names), "the family has no image called %q", name)
	case image == nil, r.incomplete[name]: // there is an error about it, or nobody needs it
	case image.Workload.Kind != KindJob || !image.Runs():
		r.report.Add(t.At, "give it kubernetes: { kind: job }, and a command", "%s is no job: containers of it do not end when their work is done", name)
	default:
		return true
	}
	return false
}

// checkJobCycles reports jobs whose containers wait for their own end.
func (r *resolver) checkJobCycles(jobs map[string]string) {
	var names []string
	at := map[string]spec.Range{}
	for _, s := range r.spec.Services {
		if job := jobs[s.Name.Value]; job != "" && !slices.Contains(names, job) {
			names = append(names, job)
			at[job] = s.Value.Job.At
		}
	}
	_, cycles := ordered(names, func(job string) []string {
		if s := r.resolved[job].Start; s != nil {
			return jobsOf(s, jobs)
		}
		return nil
	})
	for _, cycle := range cycles {
		r.report.Add(at[cycle[0]], "leave a service out of a start.wait", "the job waits for its own end: %s", strings.Join(cycle, " -> "))
	}
}

// jobsOf returns the images of jobs whose end a start waits for, each once.
func jobsOf(s *Start, jobs map[string]string) []string {
	var out []string
	for _, service := range s.Wait {
		if job := jobs[service]; job != "" {
			out = append(out, job)
		}
	}
	return once(out)
}
