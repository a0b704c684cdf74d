package build

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/treeindex"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// noise returns content that no compression makes smaller.
func noise(size int) string {
	data := make([]byte, size)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(data) // it never fails
	return string(data)
}

// The layers of a base are indexed from the blobs of an engine, as soon as a command runs on it.
func TestBuilder_indexBases(t *testing.T) {
	for _, test := range []struct {
		name                             string
		engine, runs, known, damaged, ok bool
		want                             int
	}{
		{name: "commands run", engine: true, runs: true, ok: true, want: 1},
		{name: "no command ran", engine: true, ok: true},
		{name: "an engine elsewhere", runs: true, ok: true},
		{name: "it is known", engine: true, runs: true, known: true, ok: true},
		{name: "a damaged layer", engine: true, runs: true, damaged: true, ok: true},
		{name: "the build failed before", engine: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newRecordHub(t)
			h.base([]string{"amd64"}, tarOf(t, regular("large", noise(minIndexed*2), 0o644)))
			s := newSiteOf(t, h, layered)
			b := s.builder()
			seen := s.foresee(b)
			wanted := b.unindexed(seen)
			if len(wanted) != 1 {
				t.Fatalf("%d layers have no index", len(wanted))
			}
			if test.engine {
				b.engine = layout.ForeignBlobs(t.TempDir())
			}
			for _, l := range wanted {
				if test.engine {
					putLayer(t, b, l.Blob, test.damaged)
				}
				if test.known {
					index, _, err := treeindex.Read(t.Context(), strings.NewReader(string(tarOf(t))), ocispec.MediaTypeImageLayer)
					if err != nil {
						t.Fatal(err)
					}
					noError(t, treeindex.OpenStore(b.layers.Blobs().Root()).Put(l.DiffID, index))
				}
			}
			before := len(b.unindexed(seen))
			running := make(chan struct{})
			end := b.indexBases(t.Context(), seen, running)
			if test.runs {
				close(running)
			}
			if !test.runs || test.want == 0 {
				end(test.ok)
			} else {
				for len(b.unindexed(seen)) > 0 && t.Context().Err() == nil { // it does not wait for the end
				}
				end(test.ok)
			}
			if got := before - len(b.unindexed(seen)); got != test.want {
				t.Errorf("%d layers were indexed, want %d", got, test.want)
			}
		})
	}
}

// putLayer gives the engine of a build a layer of a base.
func putLayer(t *testing.T, b builder, blob ocispec.Descriptor, damaged bool) {
	t.Helper()
	image, _, ok := b.lookup.layer(blob.Digest)
	if !ok {
		t.Fatal("nobody has the layer")
	}
	from, err := layout.OpenBlobs(t.TempDir())
	noError(t, err)
	noError(t, b.lookup.download(context.WithoutCancel(t.Context()), image, blob, from))
	data, err := os.ReadFile(from.Path(blob.Digest))
	noError(t, err)
	if damaged {
		data[len(data)/2]++
	}
	at := b.engine.Path(blob.Digest)
	noError(t, os.MkdirAll(filepath.Dir(at), 0o755))
	noError(t, os.WriteFile(at, data, 0o444))
}
