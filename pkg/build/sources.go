package build

import (
	"context"
	"slices"
	"strings"

	spb "github.com/moby/buildkit/sourcepolicy/pb"

	"github.com/pulpimg/pulpimg/internal/policy"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// A SourcesError reports that a base is at none of the places where it is looked for: its mirrors, and its registry.
type SourcesError struct {
	Sources []string // references, in the order in which they were asked
	Errs    []error  // what each of them answered
}

func (e *SourcesError) Error() string {
	texts := make([]string, len(e.Errs))
	for i, err := range e.Errs {
		texts[i] = "at " + e.Sources[i] + ": " + plain(err)
	}
	return strings.Join(texts, "; ")
}

// Unwrap gives what each place answered.
func (e *SourcesError) Unwrap() []error { return e.Errs }

// sources returns where a base is looked for, in this order. A source policy comes first: it says which image is meant, and mirrors are
// places that have it. An engine elsewhere is asked for the base as it is, because it has mirrors of its own.
func (s settings) sources(ctx context.Context, base string) ([]string, error) {
	if s.Engine.Address != "" || s.Registries == nil {
		return []string{base}, nil
	}
	meant, err := policy.New(s.SourcePolicy).Image(ctx, base)
	if err != nil {
		return nil, err
	}
	found, err := s.Registries.Sources(meant.Reference)
	if err != nil {
		return nil, err
	}
	if len(found) == 1 && !found[0].Mirror {
		return []string{base}, nil // the engine applies the policy itself
	}
	references := make([]string, len(found))
	for i, source := range found {
		references[i] = source.Reference
	}
	return references, nil
}

// allowing adds rules to a source policy, which may be nil, that allow the mirrors of bases: what it says of a base was asked already.
func allowing(rules *spb.Policy, f *family.Family, s settings) *spb.Policy {
	if rules == nil {
		return nil
	}
	out := &spb.Policy{Version: rules.Version, Rules: slices.Clone(rules.Rules)}
	for _, base := range external(f, s.families) {
		sources, err := s.sources(context.Background(), base)
		if err != nil || len(sources) == 1 && sources[0] == base {
			continue // the planner reports the error
		}
		for _, source := range sources {
			identifier := policy.Identifier(source)
			for _, allowed := range []string{identifier, identifier + "@*"} { // the second one when the digest is known
				out.Rules = append(out.Rules, &spb.Rule{Action: spb.PolicyAction_ALLOW, Selector: &spb.Selector{Identifier: allowed}})
			}
		}
	}
	return out
}

// external returns the images from outside that a family is based on or takes files from, for each platform.
func external(f *family.Family, families []*family.Family) []string {
	var out []string
	for _, f := range append([]*family.Family{f}, families...) {
		for _, image := range f.Images {
			if image.Parent == nil && image.Base != family.Scratch {
				out = append(out, image.Base)
			}
			for _, source := range image.Sources() {
				if source.Image == nil {
					out = append(out, source.Reference)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
