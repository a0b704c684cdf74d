package build

import (
	"testing"

	"github.com/opencontainers/go-digest"
)

// Each registry gets what it lacks.
func TestPredict_countsTheBytesForEachRegistry(t *testing.T) {
	s := newSite(t)
	s.write("app", "app")
	s.write("f.yaml", "version: 1\nname: f\nregistries: [r.example/f, s.example/f]\ntag: \"1\"\nimages:\n"+
		"  web: { from: scratch, steps: [ files: { from: app, to: /app } ] }\n")
	built, err := Family(t.Context(), s.builder().family, s.into, s.options())
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := s.into.Manifest(built.Build.Images[0].Manifests[0])
	if err != nil {
		t.Fatal(err)
	}
	made := built.Build.Images[0].Descriptor.Digest
	for _, test := range []struct {
		name string
		has  map[string]digest.Digest
		want int64
	}{
		{"none has it", nil, 2},
		{"one has it", map[string]digest.Digest{"r.example/f/web:1": made}, 1},
		{"one has it under another name", map[string]digest.Digest{"r.example/other:1": made}, 1},
		{"both have it", map[string]digest.Digest{"r.example/f/web:1": made, "s.example/f/web:1": made}, 0},
	} {
		if err := s.into.SetPublished(test.has); err != nil {
			t.Fatal(err)
		}
		plan, err := Predict(t.Context(), s.builder().family, s.into, false, s.options())
		if err != nil {
			t.Fatal(err)
		}
		if want := test.want * manifest.Layers[0].Size; plan.Upload != want {
			t.Errorf("%s: %d bytes, want %d", test.name, plan.Upload, want)
		}
	}
}

// A step that is new is not as large as the layer in its place, and the others are as large as they were.
func TestPredict_takesNoLayerForThatOfANewStep(t *testing.T) {
	const head = specHeader + "  base: { from: scratch, steps: [ files: { from: app, to: /app } ] }\n  web: { from: base, steps: [ "
	s := newSite(t)
	s.write("app", "app")
	s.write("f.yaml", head+"directory: { path: /web } ] }\n")
	built, err := Family(t.Context(), s.builder().family, s.into, s.options())
	if err != nil {
		t.Fatal(err)
	}
	published := map[string]digest.Digest{}
	for _, image := range built.Build.Images {
		published[image.References[0]] = image.Descriptor.Digest
	}
	if err := s.into.SetPublished(published); err != nil {
		t.Fatal(err)
	}
	for _, steps := range []string{"run: make, directory: { path: /web }", "directory: { path: /web }, run: make"} {
		s.write("f.yaml", head+steps+" ] }\n")
		plan, err := Predict(t.Context(), s.builder().family, s.into, false, s.options())
		if err != nil {
			t.Fatal(err)
		}
		if plan.Upload != 0 {
			t.Errorf("%s: %d bytes, want none that are known", steps, plan.Upload)
		}
	}
}
