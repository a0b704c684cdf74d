package build

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/pulpimg/pulpimg/pkg/publish"
)

// Sets are tags, so it means nothing to them whether a registry has the API for referrers, and nothing refers to an image in it.
func TestShare_referrers(t *testing.T) {
	h := newRecordHub(t, registry.WithReferrersSupport(true))
	h.base([]string{"amd64"}, linked(t))
	first, other := newSiteOf(t, h, layered), newSiteOf(t, h, layered)
	images := first.release("a")
	checkUnknown(t, other)
	status, answer := h.do(http.MethodGet, "team/base/referrers/"+images[0].Descriptor.Digest.String(), "")
	if status != http.StatusOK || !strings.Contains(string(answer), `"manifests":[]`) {
		t.Errorf("the registry says of referrers: %d %s", status, answer)
	}
}

// Where tags never move, the first set of a key stays. What cannot replace it is an error after the images are published.
func TestShare_immutableTags(t *testing.T) {
	h, _, other := toldSites(t, layered)
	h.answers(func(w http.ResponseWriter, r *http.Request) bool {
		tag := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		if r.Method != http.MethodPut || !strings.HasPrefix(tag, "key-") {
			return false
		}
		if status, _ := h.do(http.MethodGet, strings.TrimPrefix(r.URL.Path, "/v2/"), ""); status != http.StatusOK {
			return false
		}
		w.WriteHeader(http.StatusBadRequest)
		_, err := w.Write([]byte(`{"errors":[{"code":"TAG_INVALID","message":"the tag is immutable"}]}`))
		return err == nil
	})
	before := h.set("team/base", other.keyOf("base", 2))
	other.write("page", "another page")
	mustPush(t, other, other.build()) // writes what is new
	other.change = func(o *Options) { o.Refresh = true }
	other.runAll("again")
	other.change = nil
	images := other.build()
	if _, err := publish.Images(t.Context(), other.into, images, publishing()); err != nil {
		t.Fatal(err)
	}
	if err := other.push(images); err == nil || !strings.Contains(err.Error(), "immutable") {
		t.Errorf("the error is %v", err)
	}
	if after := h.set("team/base", other.keyOf("base", 2)); !after.Equal(before) {
		t.Errorf("the set is %+v now", after)
	}
}

// Who may only read takes what is known, and writes nothing.
func TestRecords_readOnly(t *testing.T) {
	h, first, other := toldSites(t, layered)
	h.answers(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		return true
	})
	h.requests()
	checkUnknown(t, other)
	before, after := first.build(), other.build()
	for i := range before {
		if before[i].Descriptor.Digest != after[i].Descriptor.Digest {
			t.Errorf("%s is another image", before[i].Name)
		}
	}
	checkWarned(t, other)
	if n := h.requests("P"); n > 0 { // POST, PUT, PATCH
		t.Errorf("%d requests tried to write", n)
	}
}
