package build

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/internal/recordset"
)

// In one registry, a family of several platforms is known for each of them.
func TestRecords_platforms(t *testing.T) {
	h, first, other := toldSites(t, layered, "arm64")
	checkUnknown(t, other)
	if n := len(h.sets("team/base")); n != 4 {
		t.Errorf("base has %d sets, want two for each platform", n)
	}
	for _, image := range first.foresee(first.builder()).Images {
		if image.Source.Name != "base" {
			continue
		}
		set := h.set("team/base", image.Key)
		for _, d := range image.Base.Config.RootFS.DiffIDs {
			if _, ok := set.Indexes[d]; !ok {
				t.Errorf("for %s/%s, the set lacks the index of the layer %s of the base", image.Platform.OS, image.Platform.Architecture, d)
			}
		}
	}
	one := newSiteOf(t, h, layered)
	one.on = []ocispec.Platform{amd64}
	checkUnknown(t, one)
}

// Of several registries of a family, the first one that has a record is believed.
func TestRecords_registries(t *testing.T) {
	h, second := newRecordHub(t), newRecordHub(t)
	h.base([]string{"amd64"}, linked(t))
	both := strings.Replace(layered, "registry: HOST/team", "registries: [ HOST/team, "+second.host+"/mirror ]", 1)
	newSiteOf(t, h, both).release("a")
	if one, other := h.sets("team/base"), second.sets("mirror/base"); len(one) != 2 || !cmp.Equal(one, other) {
		t.Errorf("the registries have %q and %q", one, other)
	}
	for name, prepare := range map[string]func(){
		"both":   func() {},
		"first":  func() { second.refuses(http.StatusNotFound, "/manifests/key-") },
		"second": func() { second.answers(nil); h.refuses(http.StatusNotFound, "/manifests/key-") },
	} {
		t.Run(name, func(t *testing.T) {
			prepare()
			other := newSiteOf(t, h, both)
			checkUnknown(t, other)
			checkWarned(t, other)
		})
		h.answers(nil)
		second.answers(nil)
	}
	h.requests()
	second.requests()
	checkUnknown(t, newSiteOf(t, h, both))
	if n := second.requests(); n > 0 {
		t.Errorf("the second registry was asked %d times for what the first one has", n)
	}
}

// A builder is not published: its records, which name no layers, are with the image that is made with it.
func TestRecords_builders(t *testing.T) {
	const spec = `version: 1
name: f
registry: HOST/team
tag: "1"
images:
  tool:
    from: "HOST/base:1"
    publish: false
    steps: [ run: make ]
  parent:
    from: "HOST/base:1"
    publish: false
    steps: [ run: install ]
  web:
    from: parent
    steps: [ files: { image: tool, from: /made, to: /srv/made } ]
`
	h, _, other := toldSites(t, spec)
	if one, two := len(h.sets("team/web")), len(h.sets("team/tool"))+len(h.sets("team/parent")); one != 3 || two != 0 {
		t.Errorf("web has %d sets, and the others %d", one, two)
	}
	seen := other.foresee(other.builder())
	if diff := cmp.Diff([]string{}, said(seen)); diff != "" || seen.NeedsEngine() {
		t.Errorf("what is not known (-want +got):\n%s", diff)
	}
	other.build()
}

func TestHomeOf(t *testing.T) {
	f := familytest.Parse(t, specHeader+`  tool: { from: scratch, publish: false, steps: [ run: tool ] }
  deep: { from: scratch, publish: false, steps: [ files: { image: tool, from: /x, to: /x } ] }
  parent: { from: scratch, publish: false, steps: [ run: parent ] }
  middle: { from: parent, publish: false, steps: [ files: { image: deep, from: /x, to: /x } ] }
  other: { from: scratch, steps: [ run: other ] }
  web: { from: middle, steps: [ run: web ] }
  last: { from: parent, steps: [ run: last ] }
`)
	want := map[string]string{"tool": "web", "deep": "web", "parent": "web", "middle": "web", "other": "other", "web": "web", "last": "last"}
	got := map[string]string{}
	for _, image := range f.Images {
		if home := homeOf(f, image); home != nil {
			got[image.Name] = home.Name
		}
		if places := recordPlaces(f, image); !cmp.Equal(places, []string{"r.example/f/" + want[image.Name]}) {
			t.Errorf("the records of %s are in %q", image.Name, places)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("homes (-want +got):\n%s", diff)
	}
	alone := familytest.Parse(t, specHeader+"  tool: { from: scratch, publish: false, steps: [ run: tool ] }\n  web: { from: scratch }\n")
	if home := homeOf(alone, alone.Images[0]); home != nil || recordPlaces(alone, alone.Images[0]) != nil {
		t.Errorf("what nobody needs is at home with %s", home.Name)
	}
}

func TestRepositoryOf(t *testing.T) {
	for reference, want := range map[string]string{
		"r.example/f/web:1": "r.example/f/web", "r.example:5000/f/web:1": "r.example:5000/f/web", "r.example:5000/web": "r.example:5000/web", "[::1]:5000/web:1": "[::1]:5000/web",
	} {
		if got := repositoryOf(reference); got != want {
			t.Errorf("of %s, it is %s, want %s", reference, got, want)
		}
	}
}

// What was read from a registry is not told to it, but to the others.
func TestShare_whatWasTold(t *testing.T) {
	h, _, other := toldSites(t, layered)
	other.write("page", "another page")
	images := other.build()
	h.requests()
	mustPush(t, other, images)
	h.mu.Lock()
	asked := slices.Clone(h.asked)
	h.mu.Unlock()
	if n := h.requests("PUT", "team/base/manifests/key-"); n > 0 {
		t.Errorf("%d of the requests %q write what is there", n, asked)
	}
	if told := "team/base/manifests/" + recordset.Tag(other.keyOf("base", 2)); containsAll(strings.Join(asked, " "), told) {
		t.Errorf("among the requests %q are some about what was told", asked)
	}
	if got, want := len(h.sets("team/web")), 2; got != want {
		t.Errorf("web has %d sets, want %d", got, want)
	}
	// The new set has the indexes that the registry has.
	set := h.set("team/web", other.keyOf("web", 0))
	for _, image := range other.foresee(other.builder()).Images {
		if image.Source.Name == "web" && len(set.Indexes) == 0 {
			t.Error("the set has no index")
		}
	}
	elsewhere := newRecordHub(t)
	other.replace("registry: "+h.host+"/team", "registries: [ "+h.host+"/team, "+elsewhere.host+"/team ]")
	images = other.build()
	mustPush(t, other, images)
	if one, two := h.sets("team/base"), elsewhere.sets("team/base"); !cmp.Equal(one, two) {
		t.Errorf("one registry has %q, and the other %q", one, two)
	}
	third := newSiteOf(t, h, strings.Replace(layered, "registry: HOST/team", "registry: "+elsewhere.host+"/team", 1))
	third.write("page", "another page")
	checkUnknown(t, third)
	checkWarned(t, third)
}

// Two images of equal steps in one repository have one set.
func TestShare_twice(t *testing.T) {
	const spec = `version: 1
name: f
registry: HOST/team
tag: "1"
images:
  web:
    repository: app
    tags: [ web ]
    from: "HOST/base:1"
    steps: [ run: install ]
    command: [ web ]
  worker:
    repository: app
    tags: [ worker ]
    from: "HOST/base:1"
    steps: [ run: install ]
    command: [ worker ]
`
	h, _, other := toldSites(t, spec)
	if tags := h.sets("team/app"); len(tags) != 1 {
		t.Errorf("the repository has the sets %q", tags)
	}
	checkUnknown(t, other)
}

// The sets that are told are those of the build that is published, which need not be the newest one.
func TestShare_olderBuild(t *testing.T) {
	h := newRecordHub(t)
	h.base([]string{"amd64"}, linked(t))
	s := newSiteOf(t, h, layered)
	s.runAll("a")
	s.build()
	older := s.keyOf("web", 0)
	s.write("page", "another page")
	s.build()
	newer := s.keyOf("web", 0)
	s.write("page", "page")
	current, err := s.cache.Current(t.Context(), s.builder().family, s.into)
	if err != nil {
		t.Fatal(err)
	}
	mustPush(t, s, current)
	if diff := cmp.Diff([]string{recordset.Tag(older)}, h.sets("team/web")); diff != "" {
		t.Errorf("sets, of which %s is that of what was not published (-want +got):\n%s", newer, diff)
	}
}

// A new set has the indexes that the registry told of, of layers that this machine does not have.
func TestShare_toldIndexes(t *testing.T) {
	h, _, other := toldSites(t, layered)
	other.replace("run: second", "run: other")
	other.runAll("b")
	h.requests()
	mustPush(t, other, other.build())
	seen := other.foresee(other.builder())
	set := h.set("team/base", other.keyOf("base", 2))
	for _, l := range layersOf(seen.Images[0].Base, nil) {
		if _, ok := set.Indexes[l.diffID]; !ok {
			t.Errorf("the set lacks the index of the layer %s of the base", l.diffID)
		}
		if n := h.requests("GET", "/blobs/"+string(l.blob.Digest)); n > 0 {
			t.Errorf("the layer %s was downloaded", l.blob.Digest)
		}
	}
	for _, r := range set.Records {
		if _, ok := set.Indexes[r.Result]; !ok {
			t.Errorf("the set lacks the index of the layer %s of its own", r.Result)
		}
	}
}

// That an image has what its containers need is told, too: nobody else looks into it again, and no layer is read for that.
func TestShare_checks(t *testing.T) {
	const spec = `version: 1
name: f
registry: HOST/team
tag: "1"
settings:
  s: { file: /etc/s, lens: s.aug }
images:
  web:
    from: "HOST/base:1"
    steps: [ run: install, helpers: [ config ] ]
    start: { configure: [ s ], command: [ web ] }
`
	h := newRecordHub(t)
	h.base([]string{"amd64"}, tarOf(t, regular("usr/bin/augtool", "", 0o755), regular("usr/share/augeas/lenses/s.aug", "", 0o644)))
	first, other := newSiteOf(t, h, spec), newSiteOf(t, h, spec)
	first.release("a")
	b := other.builder()
	seen := other.foresee(b)
	if len(said(seen)) > 0 || !b.looked(t.Context(), seen.Images[0]) {
		t.Errorf("not known are %q, and it was looked into: %t", said(seen), b.looked(t.Context(), seen.Images[0]))
	}
	h.requests()
	other.build()
	if n := h.requests("GET", "/blobs/"); n > 1 { // the configuration of the base
		t.Errorf("%d blobs were downloaded", n)
	}
	// A refreshed command below the check replaces the set, and another one does not.
	second := newSiteOf(t, h, spec)
	second.change = func(o *Options) { o.NoRecords = true }
	second.runAll("b")
	second.change = nil
	want := h.set("team/web", first.keyOf("web", 2))
	mustPush(t, second, second.build())
	if got := h.set("team/web", first.keyOf("web", 2)); !got.Equal(want) {
		t.Errorf("there is %+v, want %+v", got, want)
	}
}
