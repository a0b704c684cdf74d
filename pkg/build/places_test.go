package build

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	spb "github.com/moby/buildkit/sourcepolicy/pb"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/policy"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// Each image says where the layers of its base from outside are, and of no others.
func TestManifestWriter_sources(t *testing.T) {
	for _, test := range []struct {
		name string
		on   []ocispec.Platform
	}{{"one platform", []ocispec.Platform{amd64}}, {"two platforms", []ocispec.Platform{amd64, arm64}}} {
		t.Run(test.name, func(t *testing.T) {
			engine, into := newFakeEngine(t), newLayout(t)
			p := newPlanner(t, onBases, engine, test.on...)
			planned := mustPlan(t, p)
			built, _, err := manifestWriter{into: into, layers: p.opts.layers, lookup: &lookup{}}.write(t.Context(), exportTargets(t, into, engine, planned.targets), planned)
			if err != nil {
				t.Fatal(err)
			}
			below := layout.Source{
				References: []string{"docker.io/library/debian@" + digest.FromString(debian).String()},
				Layers:     map[digest.Digest]int64{},
			}
			for _, platform := range test.on {
				for _, diffID := range engine.baseLayers(debian, platform) {
					blob := "blob of " + diffID.String()
					below.Layers[digest.FromString(blob)] = int64(len(blob))
				}
			}
			if len(below.Layers) == 0 {
				t.Fatal("the base has no layers")
			}
			want := map[string][]layout.Source{"base": {below}, "web": {below}, "data": nil, "on-data": nil}
			for _, image := range built.Images {
				if diff := cmp.Diff(want[image.Name], image.Sources); diff != "" {
					t.Errorf("sources of %s (-want +got):\n%s", image.Name, diff)
				}
			}
		})
	}
}

func TestPlacer_source(t *testing.T) {
	planned := mustPlan(t, newPlanner(t, onBases, newFakeEngine(t), amd64))
	image := planned.images[0]
	own := "docker.io/library/debian@" + digest.FromString(debian).String()
	layer := ocispec.Descriptor{Digest: digest.FromString("layer"), Size: 5}
	for _, test := range []struct {
		name   string
		policy *spb.Policy
		target []ocispec.Descriptor
		want   []string
	}{
		{"the place that it was resolved at", nil, []ocispec.Descriptor{layer}, []string{own}},
		{
			"and what the policy makes of the base", converting(debian, "registry.example.com/hub/debian:12"), []ocispec.Descriptor{layer},
			[]string{own, "registry.example.com/hub/debian@" + digest.FromString(debian).String()},
		},
		{"no layers", nil, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := placer{test.policy, map[placed][]string{}}.source(t.Context(), image, test.target)
			if diff := cmp.Diff(test.want, got.References); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// converting is a policy that takes one image for another.
func converting(from, to string) *spb.Policy {
	return &spb.Policy{Version: 1, Rules: []*spb.Rule{{
		Action: spb.PolicyAction_CONVERT, Selector: &spb.Selector{Identifier: policy.Identifier(from)}, Updates: &spb.Update{Identifier: policy.Identifier(to)},
	}}}
}
