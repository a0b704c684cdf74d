package build

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/record"
	"github.com/pulpimg/pulpimg/internal/recordset"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
	"github.com/pulpimg/pulpimg/pkg/publish"
)

func mustPush(t *testing.T, s *site, images []layout.Image) {
	t.Helper()
	if err := s.push(images); err != nil {
		t.Fatal(err)
	}
}

// keyOf returns the key of a step's record.
func (s *site) keyOf(image string, at int) digest.Digest {
	s.t.Helper()
	b := s.builder()
	for _, i := range s.foresee(b).Images {
		if i.Source.Name == image {
			return b.recordKey(i.Steps[at])
		}
	}
	s.t.Fatalf("there is no image %s", image)
	return ""
}

// own returns what this machine knows of a step.
func (s *site) own(image string, at int) (record.Record, bool) {
	s.t.Helper()
	return s.recordStore().Get(s.keyOf(image, at))
}

// Of two machines that made something of the same, the one that told of it first is right. The other one takes its results at the next build.
func TestShare_firstWriterWins(t *testing.T) {
	h := newRecordHub(t)
	h.base([]string{"amd64"}, linked(t))
	first, second := newSiteOf(t, h, layered), newSiteOf(t, h, layered)
	first.runAll("first")
	second.runAll("second") // before anybody told
	ours, theirs := first.build(), second.build()
	if ours[0].Descriptor.Digest == theirs[0].Descriptor.Digest {
		t.Fatal("both made the same")
	}
	mustPush(t, first, ours)
	want := h.set("team/base", first.keyOf("base", 2))
	mustPush(t, second, theirs)
	if got := h.set("team/base", first.keyOf("base", 2)); !got.Equal(want) {
		t.Errorf("the second one has replaced %+v by %+v", want, got)
	}
	for at := range 3 {
		if r, ok := second.own("base", at); ok {
			t.Errorf("of step %d, the second one still knows %+v", at, r)
		}
		if _, ok := first.own("base", at); !ok {
			t.Errorf("of step %d, the first one knows nothing any more", at)
		}
	}
	checkUnknown(t, second)
	for i, image := range second.build() {
		if image.Descriptor.Digest != ours[i].Descriptor.Digest {
			t.Errorf("%s is still another image", image.Name)
		}
	}
	h.requests()
	mustPush(t, second, second.build())
	if n := h.requests("PUT", "/manifests/key-"); n > 0 {
		t.Errorf("then, %d sets are written", n)
	}
}

// A command that ran again, because it was to, replaces what was told of it. Who takes it does not tell it again.
func TestShare_refreshed(t *testing.T) {
	h, _, other := toldSites(t, layered)
	before := h.set("team/base", other.keyOf("base", 2))
	other.change = func(o *Options) { o.Refresh = true }
	other.runAll("again")
	other.change = nil
	images := other.build()
	if _, err := publish.Images(t.Context(), other.into, images, publishing()); err != nil {
		t.Fatal(err)
	}
	immutable := publishing()
	immutable.Immutable = []string{"*"} // which is about the tags of images
	if err := share(t.Context(), &family.Family{}, other.into, images, other.cache, immutable, 0); err != nil {
		t.Fatal(err)
	}
	for at, step := range map[int]string{0: "first", 2: "second"} {
		set := h.set("team/base", other.keyOf("base", at))
		if own, ok := other.own("base", at); !ok || !own.Equal(set.Own()) || own.Again == "" {
			t.Errorf("of the command %q, the registry knows %+v, and this machine %+v", step, set.Own(), own)
		}
	}
	if after := h.set("team/base", other.keyOf("base", 2)); after.Equal(before) || !after.Refreshed(before) {
		t.Errorf("there is still %+v", before)
	}
	third := newSiteOf(t, h, layered)
	checkUnknown(t, third)
	checkUnknown(t, other)
	for i, image := range third.build() {
		if image.Descriptor.Digest != images[i].Descriptor.Digest {
			t.Errorf("a third machine has another %s", image.Name)
		}
	}
}

// A build that was told of a set, and ran one of its commands again all the same, tells of it.
func TestShare_refreshedBehindTold(t *testing.T) {
	const spec = `version: 1
name: f
registry: HOST/team
tag: "1"
images:
  web:
    from: "HOST/base:1"
    steps:
      - run: first
      - run: { command: [ second ], network: none }
`
	h, _, other := toldSites(t, spec)
	other.change = func(o *Options) { o.Refresh = true }
	seen := other.runAll("again")
	if n := h.requests("GET", "/manifests/key-"); n == 0 {
		t.Error("nothing was asked for")
	}
	b := other.builder()
	b.lookup.told = toldRecords{}
	if !b.askRegistries(t.Context(), seen) {
		t.Fatal("nothing was told")
	}
	for _, set := range b.shared(t.Context(), seen).Sets {
		there := h.set("team/web", set.Key)
		if set.From != "" && !there.Equal(recordset.Set{Key: set.Key, Records: set.Records}) {
			t.Errorf("%s is not told of %+v, but has %+v", set.From, set.Records, there.Records)
		}
	}
}

// What nobody can read is replaced; what only this program cannot read stays.
func TestShare_replaces(t *testing.T) {
	for _, test := range []struct {
		name     string
		change   func(manifest string) string
		replaced bool
	}{
		{"damaged", func(m string) string { return strings.Replace(m, `\"result\"`, `\"resulT\"`, 1) }, true},
		{"an image", func(m string) string { return strings.Replace(m, "org.pulpimg.records", "other", 1) }, true},
		{"of the next format", func(m string) string {
			return strings.Replace(m, `"org.pulpimg.records":"1 `, `"org.pulpimg.records":"2 `, 1)
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, first, other := toldSites(t, layered)
			key := first.keyOf("web", 0)
			want := h.set("team/web", key)
			other.change = func(o *Options) { o.NoRecords = true }
			other.runAll("other")
			h.edit("team/web", test.change)
			h.edit("team/base", test.change)
			other.change = nil
			other.warned = nil
			images := other.build()
			mustPush(t, other, images)
			_, data := h.do(http.MethodGet, "team/web/manifests/"+recordset.Tag(key), "")
			got, _, err := recordset.Decode(data, key)
			if test.replaced && (err != nil || got.Equal(want)) {
				t.Errorf("there is still %q, %v", data, err)
			}
			if !test.replaced && err != recordset.ErrFormat {
				t.Errorf("it was replaced: %v", err)
			}
			if own, ok := other.own("base", 0); !ok {
				t.Errorf("this machine forgot what it made: %+v", own)
			}
		})
	}
	t.Run("of another key", func(t *testing.T) {
		h, first, _ := toldSites(t, layered)
		key := first.keyOf("web", 0)
		_, foreign := h.do(http.MethodGet, "team/base/manifests/"+h.sets("team/base")[0], "")
		h.edit("team/web", func(string) string { return string(foreign) })
		if err := os.Remove(filepath.Join(first.into.Dir(), notesFile)); err != nil {
			t.Fatal(err)
		}
		mustPush(t, first, first.build())
		h.set("team/web", key)
	})
	t.Run("without its layers", func(t *testing.T) {
		h, _, other := toldSites(t, layered)
		key := other.keyOf("base", 2)
		there := h.set("team/base", key)
		other.change = func(o *Options) { o.NoRecords = true }
		other.runAll("other")
		lost := string(there.Records[0].Blob.Digest)
		h.refuses(http.StatusNotFound, "team/base/blobs/"+lost)
		other.change = nil
		mustPush(t, other, other.build())
		if own, ok := other.own("base", 2); !ok || !h.set("team/base", key).Own().Equal(own) {
			t.Errorf("the registry knows %+v, and this machine %+v", h.set("team/base", key), own)
		}
	})
}

// What this machine knows and the registry says nothing of stays known.
func TestShare_forgetsOnlyWhatDiffers(t *testing.T) {
	site := newSite(t)
	s := sharing{root: t.TempDir(), records: site.recordStore()}
	same := record.Record{Key: digest.FromString("same"), On: digest.FromString("on"), Result: digest.FromString("r")}
	differs, more := same, same
	differs.Key, more.Key = digest.FromString("differs"), digest.FromString("more")
	ours := telling{sharedSet: sharedSet{Key: same.Key, Records: []record.Record{differs, more, same}}}
	ours.image.References = []string{"registry.example.com/web:1"}
	apart := toldBy(s.root, []string{"registry.example.com/web"})
	for _, r := range ours.Records {
		if err := errors.Join(s.records.Put(r), apart.Put(r)); err != nil {
			t.Fatal(err)
		}
	}
	other := differs
	other.Result = digest.FromString("another result")
	if err := s.forget(ours, recordset.Set{Key: same.Key, Records: []record.Record{other, same}}); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[digest.Digest]bool{same.Key: true, differs.Key: false, more.Key: true} {
		for _, store := range []record.Store{s.records, apart} {
			if _, ok := store.Get(key); ok != want {
				t.Errorf("of %s, something is known: %t", key, ok)
			}
		}
	}
}

// Nothing is told of a build that had nothing to tell, or was not to.
func TestShare_nothing(t *testing.T) {
	h := newRecordHub(t)
	h.base([]string{"amd64"}, linked(t))
	s := newSiteOf(t, h, layered)
	s.runAll("a")
	s.change = func(o *Options) { o.NoRecords = true }
	mustPush(t, s, s.build())
	if tags := slices.Concat(h.sets("team/base"), h.sets("team/web")); len(tags) > 0 {
		t.Errorf("there are %q", tags)
	}
	if err := share(t.Context(), &family.Family{}, s.into, nil, s.cache, publishing(), 0); err != nil {
		t.Error(err)
	}
}

// A document of another version is left alone.
func TestShare_otherFormat(t *testing.T) {
	h := newRecordHub(t)
	h.base([]string{"amd64"}, linked(t))
	s := newSiteOf(t, h, layered)
	s.runAll("a")
	images := s.build()
	builds, err := s.into.Builds()
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]json.RawMessage
	if err := s.into.Blobs().ReadJSON(*builds[0].Shared, &document); err != nil {
		t.Fatal(err)
	}
	document["format"] = json.RawMessage("2")
	desc, err := s.into.Blobs().WriteJSON(sharedType, document)
	if err != nil {
		t.Fatal(err)
	}
	next := builds[0]
	next.Shared = &desc
	if _, err := s.into.Add(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	if err := s.push(images); err == nil || !strings.Contains(err.Error(), "its format is unknown") {
		t.Errorf("the error is %v", err)
	}
	if tags := h.sets("team/base"); len(tags) > 0 {
		t.Errorf("there are %q", tags)
	}
}

// Records that cannot be told make no image wrong: the error says it, and the next publication tells them.
func TestShare_refused(t *testing.T) {
	h := newRecordHub(t)
	h.base([]string{"amd64"}, linked(t))
	s := newSiteOf(t, h, layered)
	s.runAll("a")
	images := s.build()
	h.refuses(http.StatusForbidden, "PUT", "/manifests/key-")
	if err := s.push(images); err == nil {
		t.Error("there is no error")
	}
	h.answers(nil)
	if tags := h.sets("team/base"); len(tags) > 0 {
		t.Fatalf("there are %q", tags)
	}
	mustPush(t, s, images)
	checkUnknown(t, newSiteOf(t, h, layered))
}
