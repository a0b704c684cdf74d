package layout

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Whatever an index says, sources that are read can be used, and come back when they are written.
func FuzzSources(f *testing.F) {
	const digest = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
	f.Add(`[{"references":["example.com/a@` + digest + `"],"layers":{"` + digest + `":5}}]`)
	f.Add(`[{"references":[],"layers":{}},{"references":["a@` + digest + `"],"layers":{"` + digest + `":0}}]`)
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, text string) {
		sources := parseSources(text)
		image := Image{Sources: sources}
		for _, s := range sources {
			for d, size := range s.Layers {
				if d.Validate() != nil || !image.Sourced(ocispec.Descriptor{Digest: d, Size: size}) {
					t.Errorf("a source that cannot be used: %+v", s)
				}
			}
		}
		data, err := json.Marshal(sources)
		if err != nil {
			t.Fatal(err)
		}
		if again := parseSources(string(data)); !cmp.Equal(sources, again) {
			t.Errorf("%+v comes back as %+v", sources, again)
		}
	})
}
