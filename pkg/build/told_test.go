package build

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/record"
	"github.com/pulpimg/pulpimg/internal/recordset"
	"github.com/pulpimg/pulpimg/pkg/publish"
)

// An index of a registry that cannot be read costs a warning, and the layer is read in its place.
func TestTold_wrongIndexes(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func(w http.ResponseWriter)
		want   string
	}{
		{"missing", func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) }, "does not exist"},
		{"denied", func(w http.ResponseWriter) { w.WriteHeader(http.StatusForbidden) }, "wants credentials"},
		{"something else", func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html>")) }, "is something else"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, first, other := toldSites(t, layered)
			set := h.set("team/base", first.keyOf("base", 2))
			for _, s := range []*site{first, other} {
				s.replace("to: /srv/page", "to: /lib/page")
			}
			want := first.build()
			h.answers(func(w http.ResponseWriter, r *http.Request) bool {
				for _, index := range set.Indexes {
					if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/blobs/"+string(index.Blob.Digest)) {
						test.answer(w)
						return true
					}
				}
				return false
			})
			for i, image := range other.build() {
				if image.Descriptor.Digest != want[i].Descriptor.Digest {
					t.Errorf("%s is another image", image.Name)
				}
			}
			if len(other.warned) != len(set.Indexes) {
				t.Errorf("it warned of %q, want once for each of %d layers", other.warned, len(set.Indexes))
			}
			for _, warning := range other.warned {
				if !containsAll(warning, "reading the index of the layer sha256:", test.want) {
					t.Errorf("it warned of %q, want %q", warning, test.want)
				}
			}
		})
	}
}

// What this machine knows goes first, unless it has lost the layer.
func TestSettings_record(t *testing.T) {
	s := newMixed(t)
	b := s.builder()
	k := digest.FromString("key")
	held := s.layer("held")
	if err := b.layers.Keep(t.Context(), s.into.Blobs(), held.diffID, held.blob); err != nil {
		t.Fatal(err)
	}
	lost := held.blob
	lost.Digest = digest.FromString("lost")
	own := func(change func(r *record.Record)) *record.Record {
		r := record.Record{Key: k, On: digest.FromString("own"), Result: held.diffID}
		change(&r)
		return &r
	}
	there := record.Record{Key: k, On: digest.FromString("told"), Result: held.diffID}
	for _, test := range []struct {
		name string
		own  *record.Record
		told bool
		want string
	}{
		{"its own", own(func(r *record.Record) { r.Blob = &held.blob }), true, "own"},
		{"its own without a layer", own(func(*record.Record) {}), true, "own"},
		{"its own, whose layer is lost", own(func(r *record.Record) { r.Blob = &lost }), true, "told"},
		{"its own, whose layer is lost, of which nobody told", own(func(r *record.Record) { r.Blob = &lost }), false, "own"},
		{"what was told", nil, true, "told"},
		{"nothing", nil, false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := b.records.Remove(k); err != nil {
				t.Fatal(err)
			}
			if test.own != nil {
				if err := b.records.Put(*test.own); err != nil {
					t.Fatal(err)
				}
			}
			b.lookup.told = toldRecords{}
			if test.told {
				b.lookup.believe(toldSet{recordset.Set{Key: k, Records: []record.Record{there}}, "r.example/a@sha256:1"}, "r.example/a")
			}
			r, ok := b.record(t.Context(), b.family.Images[0], k)
			if ok != (test.want != "") || ok && r.On != digest.FromString(test.want) {
				t.Errorf("it knows %+v, %t", r, ok)
			}
		})
	}
}

// What a machine ran itself is not what a registry tells of the same command, even if an engine still has it.
func TestRecordAll_cachedIsItsOwn(t *testing.T) {
	const spec = specHeader + `  tool: { from: scratch, publish: false, steps: [ run: make ] }
  web: { from: scratch, steps: [ files: { image: tool, from: /made, to: /made } ] }
`
	s := newSite(t)
	s.write("f.yaml", spec)
	b := s.builder()
	seen := s.foresee(b)
	tool := seen.Images[0]
	there := record.Record{Key: tool.Key, On: tool.Start, Result: digest.FromString("of another machine")}
	own := there
	own.Result = digest.FromString("its own")
	for _, test := range []struct {
		name string
		own  bool
	}{{"it has its own", true}, {"it has none", false}} {
		t.Run(test.name, func(t *testing.T) {
			if err := b.records.Remove(own.Key); err != nil {
				t.Fatal(err)
			}
			if test.own {
				if err := b.records.Put(own); err != nil {
					t.Fatal(err)
				}
			}
			b := s.builder()
			b.lookup.believe(toldSet{recordset.Set{Key: there.Key, Records: []record.Record{there}}, "r.example/a@sha256:1"}, "r.example/a")
			seen := s.foresee(b)
			if err := b.recordAll(t.Context(), seen, allRan(seen, true), s.made(seen, "a"), s.into); err != nil {
				t.Fatal(err)
			}
			r, ok := b.ownRecord(tool.Source, there.Key)
			if !ok || r.Result == there.Result || test.own && !r.Equal(own) {
				t.Errorf("of the command, this machine knows %+v, %t", r, ok)
			}
		})
	}
}

// Layers that only the registry has are not in the layout, which says where they are.
func TestRecords_sources(t *testing.T) {
	_, _, other := toldSites(t, layered)
	other.write("page", "another page")
	images := other.build()
	for _, image := range images {
		missing, err := other.into.Missing(image)
		if err != nil {
			t.Fatal(err)
		}
		if image.Name == "base" && len(missing) != 5 { // two of the base, and three
			t.Errorf("of %s, %d layers are missing", image.Name, len(missing))
		}
		for _, l := range missing {
			if !image.Sourced(l) {
				t.Errorf("nobody knows where the layer %s of %s is", l.Digest, image.Name)
			}
		}
	}
	if err := publish.Fill(t.Context(), other.into, images, publishing()); err != nil {
		t.Fatal(err)
	}
	for _, image := range images {
		if missing, err := other.into.Missing(image); err != nil || len(missing) > 0 {
			t.Errorf("then, %d layers of %s are missing (%v)", len(missing), image.Name, err)
		}
	}
}

// What one registry says counts for the families that are published there, and gets nowhere else.
func TestRecords_otherFamilies(t *testing.T) {
	h, _, other := toldSites(t, layered)
	checkUnknown(t, other)
	other.build()
	elsewhere := newRecordHub(t)
	other.replace("registry: "+h.host+"/team", "registry: "+elsewhere.host+"/other")
	got := other.unknown()
	if diff := cmp.Diff(everything, got); diff != "" {
		t.Errorf("in another family, what is not known (-want +got):\n%s", diff)
	}
	if n := elsewhere.requests("/manifests/key-"); n == 0 {
		t.Error("its registry was not asked")
	}
	for _, image := range other.foresee(other.builder()).Images {
		for _, step := range image.Steps {
			if r, ok := other.recordStore().Get(other.builder().recordKey(step)); ok {
				t.Errorf("this machine has the record %+v", r)
			}
		}
	}
}

// A set is another one because of what it is made on, or because a command of its own made something else.
func TestTelling_onOther(t *testing.T) {
	step := func(name, on, result string) record.Record {
		return record.Record{Key: digest.FromString(name), On: digest.FromString(on), Result: digest.FromString(result)}
	}
	first, last, check := step("first", "on", "a"), step("last", "run", "b"), step("check", "end", "c")
	for _, test := range []struct {
		name   string
		theirs []record.Record
		want   bool
	}{
		{"the same", []record.Record{first, check, last}, false},
		{"without a check", []record.Record{first, last}, false},
		{"made on something else", []record.Record{step("first", "other", "a"), check, step("last", "other run", "b")}, true},
		{"the first command made something else", []record.Record{step("first", "on", "x"), check, step("last", "other run", "b")}, false},
		{"the last command made something else, behind which it was looked into", []record.Record{first, step("check", "other end", "c"), step("last", "run", "x")}, false},
		{"the last one takes from something else", []record.Record{first, check, step("last", "other run", "b")}, true},
		{"a step less", []record.Record{check, last}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			ours := telling{sharedSet: sharedSet{Checked: true, Records: []record.Record{first, check, last}}}
			if got := ours.onOther(recordset.Set{Records: test.theirs}); got != test.want {
				t.Errorf("it is made on something else: %t", got)
			}
		})
	}
}
