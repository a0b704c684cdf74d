package build

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

const onBases = specHeader + `  stage: { from: "debian:12", publish: false }
  base:
    from: stage
    steps: [ run: "true" ]
  middle: { from: base, publish: false }
  web: { from: middle, command: [web] }
  data: { from: scratch }
  on-data: { from: data }
`

// based are the annotations about what an image is based on.
func based(name string, d digest.Digest) map[string]string {
	return map[string]string{"org.opencontainers.image.base.name": name, "org.opencontainers.image.base.digest": d.String()}
}

func TestManifestWriter_bases(t *testing.T) {
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
			digests := map[string]digest.Digest{}
			for _, image := range built.Images {
				digests[image.Name] = image.Descriptor.Digest
			}
			want := map[string]map[string]string{
				"base":    based(debian, digest.FromString(debian)),
				"web":     based("r.example/f/base:1", digests["base"]),
				"data":    nil,
				"on-data": based("r.example/f/data:1", digests["data"]),
			}
			for _, image := range built.Images {
				for n, got := range annotations(t, into, image) {
					if diff := cmp.Diff(want[image.Name], got); diff != "" {
						t.Errorf("annotations of %s, in blob %d (-want +got):\n%s", image.Name, n, diff)
					}
				}
			}
		})
	}
}

// annotations returns those of the manifests of an image, and of its index if it has one.
func annotations(t *testing.T, in *layout.Layout, image layout.Image) []map[string]string {
	t.Helper()
	var out []map[string]string
	for _, desc := range image.Manifests {
		manifest, err := in.Manifest(desc)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, manifest.Annotations)
	}
	if len(image.Manifests) > 1 {
		index, err := in.Index(image.Descriptor)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, index.Annotations)
	}
	return out
}

func TestCommonAnnotations(t *testing.T) {
	one, other := based("r.example/a:1", "sha256:a"), based("r.example/a:1", "sha256:b")
	if diff := cmp.Diff(map[string]string{"org.opencontainers.image.base.name": "r.example/a:1"}, commonAnnotations([]map[string]string{one, other})); diff != "" {
		t.Errorf("of a base that moved (-want +got):\n%s", diff)
	}
	if got := commonAnnotations([]map[string]string{nil, nil}); len(got) > 0 {
		t.Errorf("of no base: %v", got)
	}
}
