package build

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/platforms"
	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

func newLayout(t *testing.T) *layout.Layout {
	t.Helper()
	l, err := layout.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// exportTargets writes the targets of a plan into a layout as an engine exports them: the base's layers, and one for each step.
func exportTargets(t *testing.T, into *layout.Layout, engine *fakeEngine, targets []target) *client.SolveResponse {
	t.Helper()
	must := func(desc ocispec.Descriptor, err error) ocispec.Descriptor {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return desc
	}
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	for _, target := range targets {
		var config dockerspec.DockerOCIImage
		if err := json.Unmarshal(target.config, &config); err != nil {
			t.Fatal(err)
		}
		manifest := ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest}
		var diffIDs []digest.Digest
		if len(sourcesOf(target.def)) > 0 { // otherwise it is scratch
			diffIDs = engine.baseLayers(debian, target.platform)
		}
		for _, h := range config.History {
			if !h.EmptyLayer {
				diffIDs = append(diffIDs, digest.FromString(h.CreatedBy+platforms.Format(target.platform)))
			}
		}
		config.RootFS.DiffIDs = diffIDs
		for _, diffID := range diffIDs {
			manifest.Layers = append(manifest.Layers, must(into.Blobs().Write(ocispec.MediaTypeImageLayerGzip, []byte("blob of "+diffID))))
		}
		manifest.Config = must(into.Blobs().WriteJSON(ocispec.MediaTypeImageConfig, config))
		index.Manifests = append(index.Manifests, must(into.Blobs().WriteJSON(ocispec.MediaTypeImageManifest, manifest)))
	}
	return responseOf(t, must(into.Blobs().WriteJSON(ocispec.MediaTypeImageIndex, index)))
}

// responseOf returns the response of an engine that exported a blob.
func responseOf(t *testing.T, desc ocispec.Descriptor) *client.SolveResponse {
	t.Helper()
	data, err := json.Marshal(desc)
	if err != nil {
		t.Fatal(err)
	}
	return &client.SolveResponse{ExporterResponse: map[string]string{exptypes.ExporterImageDescriptorKey: base64.StdEncoding.EncodeToString(data)}}
}

func TestManifestWriter_write(t *testing.T) {
	engine, into := newFakeEngine(t), newLayout(t)
	p := newPlanner(t, roles, engine, amd64, arm64)
	planned := mustPlan(t, p)
	sum := strings.Repeat("ab", 32)
	w := manifestWriter{lookup: &lookup{}, into: into, layers: p.opts.layers, inputs: map[string]string{"web": sum}}
	built, _, err := w.write(t.Context(), exportTargets(t, into, engine, planned.targets), planned)
	if err != nil {
		t.Fatal(err)
	}
	if index, err := into.Index(*built.Export); err != nil || len(index.Manifests) != len(planned.targets) {
		t.Errorf("the build's export has %d targets, want %d (%v)", len(index.Manifests), len(planned.targets), err)
	}
	at := 0
	for i, image := range built.Images {
		if source := p.family.Images[i]; image.Name != source.Name || image.Reference() != source.Reference || len(image.Manifests) != 2 {
			t.Errorf("image %d is %s, %s for %d platforms; want %s, %s for 2", i, image.Name, image.Reference(), len(image.Manifests), source.Name, source.Reference)
		}
		for _, desc := range image.Manifests {
			checkManifest(t, into, desc, planned.images[at])
			at++
		}
	}
	if at != len(planned.images) {
		t.Errorf("%d images were written, want %d", at, len(planned.images))
	}
	if web, ok := built.Image("web"); !ok || web.Inputs != digest.NewDigestFromEncoded(digest.SHA256, sum) || web.Descriptor.MediaType != ocispec.MediaTypeImageIndex {
		t.Errorf("the image web is %+v", web)
	}
	checkShared(t, p, into, built)
}

// checkManifest compares a manifest with the image in the plan.
func checkManifest(t *testing.T, into *layout.Layout, desc ocispec.Descriptor, image platformImage) {
	t.Helper()
	manifest, err := into.Manifest(desc)
	if err != nil {
		t.Fatal(err)
	}
	var config dockerspec.DockerOCIImage
	if err := into.Blobs().ReadJSON(manifest.Config, &config); err != nil {
		t.Fatal(err)
	}
	appended := image.image.AppendedLayers()
	if platforms.Format(*desc.Platform) != platforms.Format(image.platform) || config.Architecture != image.platform.Architecture {
		t.Errorf("%s is for %s, and its config for %s", image.name(), platforms.Format(*desc.Platform), config.Architecture)
	}
	if len(manifest.Layers) != len(config.RootFS.DiffIDs) || len(manifest.Layers) < len(appended) {
		t.Fatalf("%s has %d layers and %d diff IDs, with %d appended", image.name(), len(manifest.Layers), len(config.RootFS.DiffIDs), len(appended))
	}
	first := len(manifest.Layers) - len(appended)
	for i, l := range appended {
		if manifest.Layers[first+i].Digest != l.Blob.Digest || config.RootFS.DiffIDs[first+i] != l.DiffID {
			t.Errorf("appended layer %d of %s is not at the end of the manifest and the config", i, image.name())
		}
	}
	for _, l := range manifest.Layers {
		if !into.Blobs().Has(l) {
			t.Errorf("the layout lacks the layer %s of %s", l.Digest, image.name())
		}
	}
	var history int
	for _, h := range config.History {
		if !h.EmptyLayer {
			history++
		}
	}
	base := 2 // its config has no history
	if root(image.source).Base == family.Scratch {
		base = 0
	}
	if len(manifest.Layers) != base+history {
		t.Errorf("%s has %d layers, %d of the base, and %d history entries of layers", image.name(), len(manifest.Layers), base, history)
	}
}

// checkShared adds a build to the layout and checks what its result says of the layers that children share with their parents.
func checkShared(t *testing.T, p planner, into *layout.Layout, built layout.Build) {
	t.Helper()
	built, err := into.Add(t.Context(), built)
	if err != nil {
		t.Fatal(err)
	}
	result, err := describe(into, p.family, built)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]int{}
	for _, image := range result.Images {
		for _, platform := range image.Platforms {
			got[image.Name] = append(got[image.Name], len(platform.Layers), platform.Shared)
		}
	}
	want := map[string][]int{"base": {6, 0, 6, 0}, "web": {7, 6, 7, 6}, "worker": {7, 6, 7, 6}, "tool": {7, 5, 7, 5}, "data": {1, 0, 1, 0}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("layers and shared layers, for two platforms (-want +got):\n%s", diff)
	}
}

func TestManifestWriter_onePlatform(t *testing.T) {
	engine, into := newFakeEngine(t), newLayout(t)
	p := newPlanner(t, roles, engine, arm64)
	planned := mustPlan(t, p)
	built, _, err := manifestWriter{into: into, layers: p.opts.layers, lookup: &lookup{}}.write(t.Context(), exportTargets(t, into, engine, planned.targets), planned)
	if err != nil {
		t.Fatal(err)
	}
	for _, image := range built.Images {
		if image.Descriptor.MediaType != ocispec.MediaTypeImageManifest || len(image.Manifests) != 1 || image.Descriptor.Digest != image.Manifests[0].Digest {
			t.Errorf("%s is %+v, want its only manifest", image.Name, image)
		}
	}
}

func TestManifestWriter_errors(t *testing.T) {
	for _, test := range []struct {
		name   string
		export func(t *testing.T, w manifestWriter, engine *fakeEngine, p plan) *client.SolveResponse
		want   string
	}{
		{"a manifest too few", func(t *testing.T, w manifestWriter, engine *fakeEngine, p plan) *client.SolveResponse {
			return exportTargets(t, w.into, engine, p.targets[:2])
		}, "reading what the engine exported: it has 2 images, not the 3 that were asked for"},
		{"a manifest too many", func(t *testing.T, w manifestWriter, engine *fakeEngine, p plan) *client.SolveResponse {
			return exportTargets(t, w.into, engine, append(slices.Clone(p.targets), p.targets[0]))
		}, "reading what the engine exported: it has 4 images, not the 3 that were asked for"},
		{"no manifest", func(t *testing.T, w manifestWriter, engine *fakeEngine, _ plan) *client.SolveResponse {
			return exportTargets(t, w.into, engine, nil)
		}, "it has 0 images, not the 3 that were asked for"},
		{"no descriptor", func(*testing.T, manifestWriter, *fakeEngine, plan) *client.SolveResponse {
			return &client.SolveResponse{}
		},
			"reading what the engine exported: "},
		{"a descriptor that is not base64", func(*testing.T, manifestWriter, *fakeEngine, plan) *client.SolveResponse {
			return &client.SolveResponse{ExporterResponse: map[string]string{exptypes.ExporterImageDescriptorKey: "{}"}}
		}, "reading what the engine exported: illegal base64 data"},
		{"an index that is missing", func(t *testing.T, _ manifestWriter, _ *fakeEngine, _ plan) *client.SolveResponse {
			return responseOf(t, ocispec.Descriptor{MediaType: ocispec.MediaTypeImageIndex, Digest: digest.FromString("missing"), Size: 7})
		}, "reading what the engine exported: "},
		{"a target without the layers of its base", func(t *testing.T, w manifestWriter, engine *fakeEngine, p plan) *client.SolveResponse {
			engine.layers = 0
			return exportTargets(t, w.into, engine, p.targets)
		}, "writing the manifest of base: the engine returned it without all layers of its base"},
		{"an appended layer that is missing", func(t *testing.T, w manifestWriter, engine *fakeEngine, p plan) *client.SolveResponse {
			if err := os.Remove(w.layers.Blobs().Path(p.images[1].image.AppendedLayers()[1].Blob.Digest)); err != nil {
				t.Fatal(err)
			}
			return exportTargets(t, w.into, engine, p.targets)
		}, "writing the manifest of web: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			engine := newFakeEngine(t)
			p := newPlanner(t, roles, engine, amd64)
			planned := mustPlan(t, p)
			w := manifestWriter{into: newLayout(t), layers: p.opts.layers, lookup: &lookup{}}
			_, _, err := w.write(context.Background(), test.export(t, w, engine, planned), planned)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) && !strings.HasSuffix(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
