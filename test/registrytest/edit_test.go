package registrytest

import (
	"fmt"
	"math/rand"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/pkg/layout"
	"github.com/pulpimg/pulpimg/pkg/publish"
)

// edited makes a role of three layers of a base and a small one of its own, in the version of a seed.
func edited(t *testing.T, host string, size, seed int64) publish.Item {
	t.Helper()
	layer, err := random.Layer(size, types.DockerLayer, random.WithSource(rand.NewSource(seed)))
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.AppendLayers(newBase(t, 3, layerSize, 1), layer)
	if err != nil {
		t.Fatal(err)
	}
	return newItem(t, host, "role", "1", image)
}

// after says that the tag of an item points to an earlier version of it.
func after(t *testing.T, item, earlier publish.Item) publish.Item {
	t.Helper()
	hash, err := earlier.Content.Digest()
	if err != nil {
		t.Fatal(err)
	}
	source := layout.Source{References: []string{item.Reference.Digest(hash.String()).Name()}, Layers: map[digest.Digest]int64{}}
	manifest, err := earlier.Content.(v1.Image).Manifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range manifest.Layers {
		source.Layers[digest.Digest(l.Digest.String())] = l.Size
	}
	item.Sources = append(item.Sources, source)
	return item
}

// kinds counts the requests by what they ask for.
func kinds(p *Proxy) map[string]int {
	out := map[string]int{}
	for _, r := range p.Requests() {
		what := "registry"
		switch {
		case strings.Contains(r.Path, "/manifests/"):
			what = "manifest"
		case strings.Contains(r.Path, "/blobs/"):
			what = "blob"
		}
		out[r.Method+" "+what]++
	}
	return out
}

// Of an image that differs little from what its tag points to, nothing is asked for besides the tag, and only what is new is sent.
func TestPublish_edit(t *testing.T) {
	for _, test := range []struct {
		name string
		size int64 // of the new layer
		// pointsTo is the version that the tag points to, and knows the one of which this machine knows that.
		pointsTo, knows int64
		want            map[string]int
	}{
		{"a small edit", 1000, 1, 1, map[string]int{
			"GET registry": 1, "HEAD manifest": 1, "POST blob": 2, "PUT blob": 2, "PUT manifest": 2, "GET manifest": 1,
		}},
		{"a large edit", layerSize * 2, 1, 1, map[string]int{
			"GET registry": 1, "HEAD manifest": 2, "HEAD blob": 2, "POST blob": 2, "PUT blob": 2, "PUT manifest": 2, "GET manifest": 1,
		}},
		{"the tag points elsewhere", 1000, 1, 2, map[string]int{
			"GET registry": 1, "HEAD manifest": 2, "HEAD blob": 5, "POST blob": 2, "PUT blob": 2, "PUT manifest": 2, "GET manifest": 1,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := StartProxied(t)
			mustPublish(t, []publish.Item{edited(t, p.Host, test.size, test.pointsTo)}, publish.Options{})
			p.Forget()
			item := after(t, edited(t, p.Host, test.size, 9), edited(t, p.Host, test.size, test.knows))
			preview, err := publish.Preview(t.Context(), []publish.Item{item}, publish.Options{})
			if err != nil {
				t.Fatal(err)
			}
			p.Forget()
			result := mustPublish(t, []publish.Item{item}, publish.Options{})
			if diff := cmp.Diff(test.want, kinds(p)); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if got := result.Items[0]; got.Pushed.Layers != 1 || got.Existing.Layers != 3 || got.Pushed != preview.Items[0].Pushed {
				t.Errorf("%+v; want one layer pushed, three that were there, and %+v as it was foreseen", got, preview.Items[0].Pushed)
			}
			checkPublished(t, []publish.Item{item})
		})
	}
}

// A registry that has lost a layer of what a tag points to gets it once more.
func TestPublish_editAfterLoss(t *testing.T) {
	for _, quirks := range [][]Quirk{nil, {BlobUnknown}, {OldHead}} {
		t.Run(fmt.Sprint(quirks), func(t *testing.T) {
			q := NewQuirky(t, quirks...)
			first := edited(t, q.Host, 1000, 1)
			item := after(t, edited(t, q.Host, 1000, 2), first)
			if _, err := publish.Publish(t.Context(), []publish.Item{first}, q.options()); err != nil {
				t.Fatal(err)
			}
			for d := range blobSizes(t, newBase(t, 3, layerSize, 1)) {
				q.Lose("pulp/role", d)
			}
			before := len(q.Requests())
			if _, err := publish.Publish(t.Context(), []publish.Item{item}, q.options()); err != nil {
				t.Fatalf("%v\n%s", err, strings.Join(q.Requests()[before:], "\n"))
			}
			checkAudit(t, q, []publish.Item{item})
			sent := 0
			for _, r := range q.Requests()[before:] {
				if strings.HasPrefix(r, http.MethodPut) && strings.Contains(r, "/blobs/") {
					sent++
				}
			}
			if sent < 5 {
				t.Errorf("only %d blobs were sent", sent)
			}
		})
	}
}

// Whatever a registry is like, an edit arrives.
func TestPublish_editAndQuirks(t *testing.T) {
	for _, line := range harmless() {
		for _, quirk := range line {
			t.Run(string(quirk), func(t *testing.T) {
				t.Parallel()
				q := NewQuirky(t, quirk)
				first := edited(t, q.Host, 1000, 1)
				item := after(t, edited(t, q.Host, 1000, 2), first)
				for _, one := range []publish.Item{first, item} {
					if _, err := publish.Publish(t.Context(), []publish.Item{one}, q.options()); err != nil {
						t.Fatalf("%v\n%s", err, strings.Join(q.Requests(), "\n"))
					}
					checkAudit(t, q, []publish.Item{one})
				}
			})
		}
	}
}
