package build

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/sourcepolicy"
	spb "github.com/moby/buildkit/sourcepolicy/pb"

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

const imageScheme = "docker-image://"

// sources returns where a base is looked for, in this order. A source policy comes first: it says which image is meant, and mirrors are
// places that have it. An engine elsewhere is asked for the base as it is, because it has mirrors of its own.
func (s settings) sources(ctx context.Context, base string) ([]string, error) {
	if s.Engine.Address != "" || s.Registries == nil {
		return []string{base}, nil
	}
	meant, err := underPolicy(ctx, s.SourcePolicy, base)
	if err != nil {
		return nil, err
	}
	found, err := s.Registries.Sources(meant)
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

// underPolicy returns the reference that a source policy makes of one.
func underPolicy(ctx context.Context, policy *spb.Policy, reference string) (string, error) {
	if policy == nil {
		return reference, nil
	}
	op := &pb.SourceOp{Identifier: imageScheme + normalized(reference)}
	if _, err := sourcepolicy.NewEngine([]*spb.Policy{policy}).Evaluate(ctx, op); err != nil {
		return "", err
	}
	meant, ok := strings.CutPrefix(op.Identifier, imageScheme)
	if !ok {
		return "", errors.New("the source policy makes it " + op.Identifier + ", which is not an image of a registry")
	}
	return meant, nil
}

// allowing adds rules to a source policy, which may be nil, that allow the mirrors of bases: what it says of a base was asked already.
func allowing(policy *spb.Policy, f *family.Family, s settings) *spb.Policy {
	if policy == nil {
		return nil
	}
	out := &spb.Policy{Version: policy.Version, Rules: slices.Clone(policy.Rules)}
	for _, base := range external(f, s.families) {
		sources, err := s.sources(context.Background(), base)
		if err != nil || len(sources) == 1 && sources[0] == base {
			continue // the planner reports the error
		}
		for _, source := range sources {
			identifier := imageScheme + normalized(source)
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

// normalized returns a reference as the engine has it in identifiers.
func normalized(ref string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return ref
	}
	return reference.TagNameOnly(named).String()
}
