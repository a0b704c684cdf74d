package registrytest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/publish"
)

func mustPublish(t testing.TB, items []publish.Item, opts publish.Options) *publish.Result {
	t.Helper()
	result, err := publish.Publish(t.Context(), items, opts)
	if err != nil {
		t.Fatalf("publishing: %v", err)
	}
	return result
}

// Each blob of a family is uploaded once.
func TestPublish_sendsEachBlobOnce(t *testing.T) {
	p := StartProxied(t)
	items := newFamily(t, p.Host, "1", 3, 1)
	result := mustPublish(t, items, publish.Options{})

	if diff := cmp.Diff(blobSizes(t, imagesOf(items)...), p.BlobBytes()); diff != "" {
		t.Errorf("bytes of each blob on the wire (-want +got):\n%s", diff)
	}
	for i, item := range result.Items {
		wantPushed, wantMounted := 1, 3
		if i == 0 {
			wantPushed, wantMounted = 3, 0
		}
		if item.Pushed.Layers != wantPushed || item.Mounted.Layers != wantMounted || item.Existing.Layers != 0 || !item.TagMoved || item.Present {
			t.Errorf("%s: %+v, want %d layers pushed and %d mounted", item.Name, item, wantPushed, wantMounted)
		}
	}
	var wire int64
	for _, n := range p.BlobBytes() {
		wire += n
	}
	if result.PushedBytes() != wire {
		t.Errorf("the result speaks of %d bytes, %d crossed the wire", result.PushedBytes(), wire)
	}
	checkPublished(t, items)
}

// Tags move after every manifest is stored.
func TestPublish_movesTagsLast(t *testing.T) {
	p := StartProxied(t)
	mustPublish(t, newFamily(t, p.Host, "1", 3, 1), publish.Options{})

	var stored, firstTag, lastManifest int
	for _, r := range p.Requests() {
		switch {
		case r.StoresByDigest():
			stored++
			lastManifest = max(lastManifest, r.Order)
		case r.StoresTag() && (firstTag == 0 || r.Order < firstTag):
			firstTag = r.Order
		}
	}
	if stored != 4 || firstTag <= lastManifest {
		t.Errorf("the first tag came as request %d, the last of %d manifests as %d", firstTag, stored, lastManifest)
	}
}

// An unchanged family costs one request per item.
func TestPublish_unchanged(t *testing.T) {
	p := StartProxied(t)
	items := newFamily(t, p.Host, "1", 3, 1)
	mustPublish(t, items, publish.Options{})
	p.Forget()
	result := mustPublish(t, items, publish.Options{})

	heads := p.Count(func(r Request) bool { return r.Method == "HEAD" && !r.IsBlob() })
	if all := len(p.Requests()); heads != len(items) || all != len(items)+1 {
		t.Errorf("%d requests, of which %d ask for a tag; want one for the registry and %d for tags: %+v", all, heads, len(items), p.Requests())
	}
	for _, item := range result.Items {
		if item.TagMoved || !item.Present {
			t.Errorf("%s: %+v, want nothing done", item.Name, item)
		}
	}
}

// For an image that the repository has, only the tag is moved.
func TestPublish_existingImage(t *testing.T) {
	p := StartProxied(t)
	mustPublish(t, newFamily(t, p.Host, "1", 3, 1), publish.Options{})
	p.Forget()
	items := newFamily(t, p.Host, "2", 3, 1)
	result := mustPublish(t, items, publish.Options{})

	if n := p.Count(Request.IsBlob); n != 0 {
		t.Errorf("%d requests for blobs", n)
	}
	if n := p.Count(Request.StoresByDigest); n != 0 {
		t.Errorf("%d manifests stored again", n)
	}
	for _, item := range result.Items {
		if !item.TagMoved || !item.Present {
			t.Errorf("%s: %+v, want the tag moved", item.Name, item)
		}
	}
	checkPublished(t, items)
}

// A new role mounts blobs from a base that is in the registry.
func TestPublish_mountsFromExistingBase(t *testing.T) {
	p := StartProxied(t)
	base := newBase(t, 3, layerSize, 1)
	mustPublish(t, []publish.Item{newItem(t, p.Host, "base", "1", base)}, publish.Options{})
	p.Forget()
	role := newRole(t, base, "role", 2)
	items := []publish.Item{newItem(t, p.Host, "base", "1", base), newItem(t, p.Host, "role", "1", role)}
	result := mustPublish(t, items, publish.Options{})

	want := blobSizes(t, role)
	for digest := range blobSizes(t, base) {
		delete(want, digest)
	}
	if diff := cmp.Diff(want, p.BlobBytes()); diff != "" {
		t.Errorf("bytes of each blob on the wire (-want +got):\n%s", diff)
	}
	if got := result.Items[1]; got.Mounted.Layers != 3 || got.Pushed.Layers != 1 {
		t.Errorf("%+v, want 3 layers mounted and 1 pushed", got)
	}
	checkPublished(t, items)
}

// Blobs that the repository has are not sent.
func TestPublish_existingBlobs(t *testing.T) {
	p := StartProxied(t)
	base := newBase(t, 3, layerSize, 1)
	mustPublish(t, []publish.Item{newItem(t, p.Host, "role", "1", base)}, publish.Options{})
	p.Forget()
	items := []publish.Item{newItem(t, p.Host, "role", "2", newRole(t, base, "role", 2))}
	result := mustPublish(t, items, publish.Options{})

	if got := result.Items[0]; got.Existing.Layers != 3 || got.Pushed.Layers != 1 || got.Mounted.Layers != 0 {
		t.Errorf("%+v, want 3 layers there and 1 pushed", got)
	}
	if n := len(p.BlobBytes()); n != 2 {
		t.Errorf("%d blobs crossed the wire, want the new layer and the config", n)
	}
	checkPublished(t, items)
}

func TestPublish_refusedMounts(t *testing.T) {
	for name, fault := range map[string]Fault{
		"by beginning an upload": RefuseMount,
		"with an error":          Answer(405, `{"errors":[{"code":"UNSUPPORTED"}]}`),
		"by denying the source":  Answer(403, `{"errors":[{"code":"DENIED"}]}`),
	} {
		t.Run(name, func(t *testing.T) {
			p := StartProxied(t)
			p.Spoil(-1, OfMount, fault)
			items := newFamily(t, p.Host, "1", 2, 1)
			result := mustPublish(t, items, publish.Options{})
			for _, item := range result.Items {
				if item.Mounted.Layers != 0 || item.Existing.Layers != 0 || item.Pushed.Layers < 3 {
					t.Errorf("%s: %+v, want all pushed", item.Name, item)
				}
			}
			checkPublished(t, items)
		})
	}
}

// Images of an index are stored before it.
func TestPublish_imagesBeforeIndex(t *testing.T) {
	p := StartProxied(t)
	amd64, arm64 := newBase(t, 2, layerSize, 1), newBase(t, 2, layerSize, 2)
	items := []publish.Item{
		newItem(t, p.Host, "base", "1", newIndex(t, amd64, arm64)),
		newItem(t, p.Host, "role", "1", newIndex(t, newRole(t, amd64, "role", 3), newRole(t, arm64, "role", 4))),
	}
	result := mustPublish(t, items, publish.Options{})

	if got := result.Items[1]; got.Mounted.Layers != 4 || got.Pushed.Layers != 2 {
		t.Errorf("role: %+v, want 4 layers mounted and 2 pushed", got)
	}
	for digest, n := range p.BlobBytes() {
		if size := blobSizes(t, amd64, arm64)[digest]; size != 0 && size != n {
			t.Errorf("%s: %d bytes on the wire, want %d", digest, n, size)
		}
	}
	checkPublished(t, items) // the registry refuses an index whose images are not there
}

// Two tags of one repository share its blobs.
func TestPublish_twoTagsOfOneRepository(t *testing.T) {
	p := StartProxied(t)
	base := newBase(t, 3, layerSize, 1)
	items := []publish.Item{
		newItem(t, p.Host, "all", "base", base),
		newItem(t, p.Host, "all", "role", newRole(t, base, "role", 2)),
		newItem(t, p.Host, "all", "same", base),
	}
	result := mustPublish(t, items, publish.Options{})

	if n := p.Count(func(r Request) bool { return r.Query["mount"] != nil }); n != 0 {
		t.Errorf("%d mounts from a repository into itself", n)
	}
	if got := result.Items[1]; got.Existing.Layers != 3 || got.Pushed.Layers != 1 {
		t.Errorf("role: %+v, want 3 layers there and 1 pushed", got)
	}
	checkPublished(t, items)
}

// A family in several registries is complete in each of them.
func TestPublish_severalRegistries(t *testing.T) {
	a, b := StartProxied(t), StartProxied(t)
	base := newBase(t, 3, layerSize, 1)
	items := []publish.Item{
		newItem(t, a.Host, "base", "1", base),
		newItem(t, b.Host, "role", "1", newRole(t, base, "role", 2)),
	}
	result := mustPublish(t, items, publish.Options{})
	if got := result.Items[1]; got.Pushed.Layers != 4 || got.Mounted.Layers != 0 {
		t.Errorf("role: %+v, want 4 layers pushed", got)
	}
	checkPublished(t, items)
}

// Progress ends with all bytes sent.
func TestPublish_progress(t *testing.T) {
	p := StartProxied(t)
	items := newFamily(t, p.Host, "1", 2, 1)
	states := make(map[publish.State]int)
	var last publish.Progress
	result := mustPublish(t, items, publish.Options{Progress: func(g publish.Progress) {
		states[g.State]++
		last = g
	}})
	if last.TotalSent != result.PushedBytes() || last.TotalSize != result.PushedBytes() {
		t.Errorf("the last report was %d of %d bytes, %d were sent", last.TotalSent, last.TotalSize, result.PushedBytes())
	}
	if states[publish.Pushed] != 3+2+3 || states[publish.Mounted] != 6 {
		t.Errorf("reports of ended blobs: %v, want 5 layers and 3 configs pushed, 6 layers mounted", states)
	}
}

func TestResolve(t *testing.T) {
	p := StartProxied(t)
	items := newFamily(t, p.Host, "1", 0, 1)
	result := mustPublish(t, items, publish.Options{})
	p.Forget()
	got, err := publish.Resolve(t.Context(), items[0].Reference.Name(), publish.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got != result.Items[0].Digest {
		t.Errorf("resolved to %s, want %s", got, result.Items[0].Digest)
	}
	if n := p.Count(func(r Request) bool { return r.Method == "HEAD" }); n != 1 || len(p.Requests()) != 2 {
		t.Errorf("want one request for the registry and one for the digest: %+v", p.Requests())
	}
}
