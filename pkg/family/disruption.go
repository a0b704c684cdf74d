package family

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// A DisruptionBudget bounds how many containers of an image may be taken away at once, as when nodes are emptied. One of its two is set: a number
// from 1 up, or a percentage such as "50%".
type DisruptionBudget struct {
	MinAvailable, MaxUnavailable string
}

// disruptionBudget returns the budget of an image whose kind and replicas are known, as far as the spec says it.
func (r *resolver) disruptionBudget(w Workload, declared *spec.DisruptionBudget) *DisruptionBudget {
	if declared == nil {
		return nil
	}
	if !w.Kind.hasReplicas() {
		r.report.Add(declared.At, "leave it out", "a %s has no disruptionBudget", w.Kind)
	}
	b := &DisruptionBudget{MinAvailable: r.share(declared.MinAvailable), MaxUnavailable: r.share(declared.MaxUnavailable)}
	const hint = "such as maxUnavailable: 1"
	switch {
	case b.MaxUnavailable == "0%":
		r.report.Add(declared.MaxUnavailable.Percentage.At, hint, "a maxUnavailable of 0%% lets no container be taken away: its node is never emptied")
	case b.MinAvailable == "100%":
		r.report.Add(declared.MinAvailable.Percentage.At, hint, "a minAvailable of 100%% lets no container be taken away: its node is never emptied")
	case w.Replicas > 1 && of(b.MinAvailable, w.Replicas) >= w.Replicas:
		r.report.Add(declared.At, hint, "a minAvailable of %s lets none of %d replicas be taken away: their nodes are never emptied", b.MinAvailable, w.Replicas)
	}
	return b
}

// of returns how many of a number of containers a share is, rounded up, as Kubernetes does. What is no share is 0.
func of(share string, containers int) int {
	percent, isPercentage := strings.CutSuffix(share, "%")
	n, err := strconv.Atoi(percent)
	switch {
	case err != nil:
		return 0
	case isPercentage:
		return int((int64(n)*int64(containers) + 99) / 100)
	}
	return n
}

// hasReplicas reports whether there may be several containers of the same sort. A kind that is not said has.
func (k Kind) hasReplicas() bool { return k == "" || k == KindDeployment || k == KindStatefulSet }

// share returns a number or a percentage.
func (r *resolver) share(s spec.Share) string {
	if s.Number > 0 {
		return strconv.Itoa(s.Number)
	}
	value, ok := r.substitute.expand(s.Percentage, atBuild)
	if s.Percentage.IsSet() && ok && !percentage.MatchString(value) {
		r.report.Add(s.Percentage.At, `write a number without quotes, or a percentage such as "50%"`, "%q is no part of the containers", value)
	}
	return value
}

// spread returns what containers are spread over.
func (r *resolver) spread(w Workload, t spec.Text) string {
	value, ok := r.substitute.expand(t, atBuild)
	switch {
	case !t.IsSet() || !ok:
	case !slices.Contains(schema.Spreads(), value):
		r.report.Add(t.At, spec.DidYouMean(value, schema.Spreads()), "%q is nothing that containers are spread over", value)
	case !w.Kind.hasReplicas():
		r.report.Add(t.At, "leave it out", "a %s is not spread", w.Kind)
	case w.Singleton:
		r.report.Add(t.At, "leave it out", "a singleton is not spread: there is one")
	}
	return value
}
