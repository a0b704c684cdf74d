package layout_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func TestMissing(t *testing.T) {
	l := openNew(t)
	lazy, layer := sourced(t, l, combine(t, l, "lazy", manifest(t, l, "amd64", "base")))
	both := combine(t, l, "both", lazy.Manifests[0], manifest(t, l, "arm64", "own"), lazy.Manifests[0])
	missing, err := l.Missing(both)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]ocispec.Descriptor{layer}, missing); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if missing, err := l.Missing(combine(t, l, "whole", manifest(t, l, "amd64", "own"))); err != nil || len(missing) > 0 {
		t.Errorf("of a whole image, %v are missing (%v)", missing, err)
	}
}
