package build

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/forecast"
)

// linked are the layers of a base in which /lib leads to /usr/lib: files for /lib cannot be placed without a look into it.
func linked(t *testing.T) []byte {
	return tarOf(t, named('5', "usr/", ""), named('5', "usr/lib/", ""), named('2', "lib", "usr/lib"))
}

// toldSites returns a registry in which one machine has published a family, and another machine that has nothing.
func toldSites(t *testing.T, spec string, architectures ...string) (*recordHub, *site, *site) {
	t.Helper()
	h := newRecordHub(t)
	h.base(append([]string{"amd64"}, architectures...), linked(t))
	first, other := newSiteOf(t, h, spec), newSiteOf(t, h, spec)
	if len(architectures) > 0 {
		first.on, other.on = []ocispec.Platform{amd64, arm64}, []ocispec.Platform{amd64, arm64}
	}
	first.release("a")
	h.requests()
	return h, first, other
}

func checkUnknown(t *testing.T, s *site, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), s.unknown()); diff != "" {
		t.Errorf("what is not known (-want +got):\n%s", diff)
	}
}

func checkWarned(t *testing.T, s *site, want ...string) {
	t.Helper()
	if len(s.warned) != min(1, len(want)) || len(want) > 0 && !containsAll(s.warned[0], want...) {
		t.Errorf("it warned of %q, want one with %q", s.warned, want)
	}
}

// everything is what a build of layered has to do where nothing is known.
var everything = []string{
	"base@linux/amd64 0 run, unknown", "base@linux/amd64 1 write, behind", "base@linux/amd64 2 may run, behind", "web@linux/amd64 0 write, behind",
}

// What one machine published, another one with an empty cache knows.
func TestRecords_anotherMachine(t *testing.T) {
	h, first, other := toldSites(t, layered)
	seen := other.foresee(other.builder())
	if diff := cmp.Diff([]string{}, said(seen)); diff != "" {
		t.Errorf("what is not known (-want +got):\n%s", diff)
	}
	if gets := h.requests("GET", "/blobs/"); gets != 3 { // the configs of the base and of the two sets
		t.Errorf("%d blobs were downloaded", gets)
	}
	before, after := first.build(), other.build()
	for i := range before {
		if before[i].Descriptor.Digest != after[i].Descriptor.Digest {
			t.Errorf("%s is another image", before[i].Name)
		}
	}
	checkWarned(t, other)
}

// Each image has the sets of its own steps: one for each step that others may look for. All of them are images.
func TestRecords_sets(t *testing.T) {
	h, _, _ := toldSites(t, layered)
	for repository, want := range map[string]int{"team/base": 2, "team/web": 1, "base": 0} {
		tags := h.sets(repository)
		if len(tags) != want {
			t.Errorf("%s has the sets %q, want %d", repository, tags, want)
		}
		for _, tag := range tags {
			ref, err := name.NewTag(h.host + "/" + repository + ":" + tag)
			if err != nil {
				t.Fatal(err)
			}
			image, err := remote.Image(ref)
			if err == nil {
				err = validate.Image(image)
			}
			if err != nil {
				t.Errorf("%s: %v", ref, err)
			}
			if size, _ := image.Layers(); len(size) < 2 {
				t.Errorf("%s has %d layers", ref, len(size))
			}
		}
	}
}

// Up to what changed, the steps are known.
func TestRecords_changes(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(s *site)
		want   []string
	}{
		{"the last command, below which files are written faster than asked for", func(s *site) { s.replace("run: second", "run: other") },
			[]string{"base@linux/amd64 1 write, unknown", "base@linux/amd64 2 run, unknown", "web@linux/amd64 0 write, behind"}},
		{"the first command", func(s *site) { s.replace("run: first", "run: other") },
			everything},
		{"a file between commands", func(s *site) { s.write("app", "other") },
			[]string{"base@linux/amd64 1 write, unknown", "base@linux/amd64 2 run, unknown", "web@linux/amd64 0 write, behind"}},
		{"a file on top", func(s *site) { s.write("page", "other") }, []string{"web@linux/amd64 0 write, unknown"}},
		{"a command more", func(s *site) { s.replace("- run: second", "- run: second\n      - run: third") },
			[]string{"base@linux/amd64 3 run, unknown", "web@linux/amd64 0 write, behind"}},
		{"a command less", func(s *site) { s.replace("- run: second", "") }, []string{"base@linux/amd64 1 write, unknown", "web@linux/amd64 0 write, unknown"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, other := toldSites(t, layered)
			test.change(other)
			got := other.unknown()
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("what is not known (-want +got):\n%s", diff)
			}
			checkWarned(t, other)
		})
	}
}

// Files are placed on layers that only the registry has, and none of them is downloaded: the registry has their indexes.
func TestRecords_places(t *testing.T) {
	h, first, other := toldSites(t, layered)
	if n := h.requests(); n != 0 {
		t.Fatalf("%d requests are not expected", n)
	}
	for _, s := range []*site{first, other} {
		s.write("page", "another page")
		s.replace("to: /srv/page", "to: /lib/page")
	}
	want := first.build()
	h.requests()
	base := basesOf(t, other)
	var (
		mu    sync.Mutex // layers are read side by side
		asked []string
	)
	h.answers(func(_ http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		if at := strings.LastIndex(r.URL.Path, "/blobs/"); at >= 0 && r.Method == http.MethodGet {
			asked = append(asked, r.URL.Path[at+len("/blobs/"):])
		}
		return false
	})
	got := other.build()
	mu.Lock()
	defer mu.Unlock()
	for i := range got {
		if got[i].Descriptor.Digest != want[i].Descriptor.Digest {
			t.Errorf("%s is %+v, want %+v", got[i].Name, got[i], want[i])
		}
	}
	for _, l := range base {
		if slices.Contains(asked, string(l)) {
			t.Errorf("the layer %s was downloaded", l)
		}
	}
	if len(asked) == 0 {
		t.Error("no index was read")
	}
	checkWarned(t, other)
}

// basesOf returns the digests of all layers that a build of a site needs and that it has not made of files.
func basesOf(t *testing.T, s *site) []string {
	t.Helper()
	seen := s.foresee(s.builder())
	var out []string
	for _, image := range seen.Images {
		for _, l := range image.Base.Layers {
			out = append(out, string(l.Digest))
		}
		for _, step := range image.Steps {
			if step.State == forecast.Same {
				out = append(out, string(step.Record.Blob.Digest))
			}
		}
	}
	if len(out) < 4 {
		t.Fatalf("the layers are %q", out)
	}
	return out
}

// Who wants to believe nothing, and who knows everything, asks nobody.
func TestRecords_asksNobody(t *testing.T) {
	for name, change := range map[string]func(o *Options){
		"NoCache":   func(o *Options) { o.NoCache = true },
		"NoRecords": func(o *Options) { o.NoRecords = true },
	} {
		t.Run(name, func(t *testing.T) {
			h, _, other := toldSites(t, layered)
			other.change = change
			if len(other.unknown()) != 4 {
				t.Errorf("not known are %q", other.unknown())
			}
			if n := h.requests("/manifests/key-"); n > 0 {
				t.Errorf("%d sets were asked for", n)
			}
		})
	}
	t.Run("own knowledge", func(t *testing.T) {
		h, first, _ := toldSites(t, layered)
		checkUnknown(t, first)
		first.write("page", "another page") // this machine has the indexes
		if n := h.requests("/manifests/key-"); n > 0 {
			t.Errorf("%d sets were asked for", n)
		}
		checkUnknown(t, first, "web@linux/amd64 0 write, unknown")
		if n := h.requests("/manifests/key-"); n > 0 {
			t.Errorf("for files alone, %d sets were asked for", n)
		}
	})
	t.Run("files on scratch", func(t *testing.T) {
		h := newRecordHub(t)
		s := newSiteOf(t, h, strings.ReplaceAll(specHeader, "r.example", "HOST")+"  web: { from: scratch, steps: [ files: { from: page, to: /page } ] }\n")
		checkUnknown(t, s, "web@linux/amd64 0 write, unknown")
		if n := h.requests(); n > 0 {
			t.Errorf("there were %d requests", n)
		}
	})
}

// All steps of an image that are known are read with one request for its manifest.
func TestRecords_oneRequest(t *testing.T) {
	h, _, other := toldSites(t, layered)
	checkUnknown(t, other)
	if n := h.requests("GET", "/manifests/key-"); n != 2 {
		t.Errorf("%d sets were asked for, of two images", n)
	}
}

// What is wrong in a registry costs time, and a warning. What else it says is believed.
func TestRecords_wrong(t *testing.T) {
	const web = "web@linux/amd64 0 write, unknown"
	for _, test := range []struct {
		name   string
		change func(h *recordHub)
		warns  []string
	}{
		{"damaged", func(h *recordHub) {
			h.edit("team/web", func(m string) string { return strings.Replace(m, `\"result\"`, `\"resulT\"`, 1) })
		}, []string{"it is damaged", "team/web:key-"}},
		{"no set", func(h *recordHub) {
			h.edit("team/web", func(m string) string { return strings.Replace(m, "org.pulpimg.records", "other", 1) })
		}, []string{"it is damaged: it has no records", "team/web:key-"}},
		{"of the next format", func(h *recordHub) {
			h.edit("team/web", func(m string) string {
				return strings.Replace(m, `"org.pulpimg.records":"1 `, `"org.pulpimg.records":"2 `, 1)
			})
		}, []string{"its format is unknown", "team/web:key-"}},
		{"of another key", func(h *recordHub) {
			_, foreign := h.do(http.MethodGet, "team/base/manifests/"+h.sets("team/base")[0], "")
			h.edit("team/web", func(string) string { return string(foreign) })
		}, []string{"it is about another key, sha256:", "team/web:key-"}},
		{"without its layers", func(h *recordHub) { h.refuses(http.StatusNotFound, "HEAD", "team/web/blobs/") }, []string{"is not there, or not for this user", "team/web:key-"}},
		{"with layers for others", func(h *recordHub) { h.refuses(http.StatusForbidden, "team/web/blobs/") }, []string{"is not there, or not for this user"}},
		{"with layers for other users", func(h *recordHub) { h.refuses(http.StatusUnauthorized, "team/web/blobs/") }, []string{"is not there, or not for this user"}},
		{"an error of the registry", func(h *recordHub) { h.refuses(http.StatusInternalServerError, "team/web/manifests/key-") }, []string{"team/web:key-", "500"}},
		{"too long", func(h *recordHub) {
			h.answers(func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, "team/web/manifests/key-") {
					return false
				}
				_, _ = w.Write(make([]byte, 5<<20))
				return true
			})
		}, []string{"team/web:key-", "longer than"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, _, other := toldSites(t, layered)
			test.change(h)
			checkUnknown(t, other, web)
			checkWarned(t, other, append(test.warns, "nothing is taken from the records in ")...)
		})
	}
	t.Run("everything", func(t *testing.T) {
		h, _, other := toldSites(t, layered)
		for _, repository := range []string{"team/base", "team/web"} {
			h.edit(repository, func(string) string { return "{}" })
		}
		checkUnknown(t, other, everything...)
		checkWarned(t, other, "nothing is taken from 3 records; one of them is ")
	})
}

// A registry that has nothing for this user is no news.
func TestRecords_silence(t *testing.T) {
	for name, change := range map[string]func(h *recordHub){
		"nothing there":   func(h *recordHub) { h.refuses(http.StatusNotFound, "/manifests/key-") },
		"denied":          func(h *recordHub) { h.refuses(http.StatusForbidden, "/manifests/key-") },
		"not logged in":   func(h *recordHub) { h.refuses(http.StatusUnauthorized, "/manifests/key-") },
		"another service": func(h *recordHub) { h.refuses(http.StatusNotFound, "/v2/") },
	} {
		t.Run(name, func(t *testing.T) {
			h := newRecordHub(t)
			h.base([]string{"amd64"}, linked(t))
			records := newRecordHub(t) // the registry of the family
			first := newSiteOf(t, h, strings.Replace(layered, "registry: HOST/team", "registry: "+records.host+"/team", 1))
			other := newSiteOf(t, h, strings.Replace(layered, "registry: HOST/team", "registry: "+records.host+"/team", 1))
			first.release("a")
			change(records)
			checkUnknown(t, other, everything...)
			checkWarned(t, other)
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		h := newRecordHub(t)
		h.base([]string{"amd64"}, linked(t))
		s := newSiteOf(t, h, strings.Replace(layered, "registry: HOST/team", "registry: localhost:1/team", 1))
		checkUnknown(t, s, everything...)
		checkWarned(t, s)
	})
}

// A registry that takes too long is left alone. What others said until then counts.
func TestRecords_patience(t *testing.T) {
	h, _, other := toldSites(t, layered)
	b := other.builder()
	seen, err := b.foreseeOf(t.Context(), b.sum)
	if err != nil {
		t.Fatal(err)
	}
	h.answers(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "team/web/manifests/key-") {
			<-r.Context().Done()
			return true
		}
		return false
	})
	started := time.Now()
	if !b.askWithin(t.Context(), seen, time.Second) {
		t.Error("nothing was told")
	}
	if took := time.Since(started); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	seen, err = b.foreseeOf(t.Context(), b.sum)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"web@linux/amd64 0 write, unknown"}, said(seen)); diff != "" {
		t.Errorf("what is not known (-want +got):\n%s", diff)
	}
	checkWarned(t, other)
}
