package recordrepo_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/record"
	"github.com/pulpimg/pulpimg/internal/recordrepo"
	"github.com/pulpimg/pulpimg/internal/recordset"
	"github.com/pulpimg/pulpimg/pkg/publish"
)

// TestMain keeps the registries.conf of the machine out of the tests.
func TestMain(m *testing.M) {
	if err := os.Setenv("CONTAINERS_REGISTRIES_CONF", "/dev/null"); err != nil {
		log.Fatal(err)
	}
	os.Exit(m.Run())
}

// A site is a registry in memory.
type site struct {
	t      *testing.T
	host   string
	reader *publish.Reader
}

func newSite(t *testing.T) *site {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	reader, err := publish.NewReader(publish.Options{Backoff: publish.Backoff{Attempts: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return &site{t, strings.TrimPrefix(server.URL, "http://"), reader}
}

// put stores a manifest in a repository, and returns its digest.
func (s *site) put(repository, tag, mediaType string, manifest []byte) digest.Digest {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPut, "http://"+s.host+"/v2/"+repository+"/manifests/"+tag, bytes.NewReader(manifest))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", mediaType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusCreated {
		s.t.Fatalf("storing %s: %s, %v", tag, resp.Status, err)
	}
	return digest.FromBytes(manifest)
}

// layer describes a layer of a size, of which no registry here has the content.
func layer(name string, size int64) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: digest.FromString(name), Size: size}
}

// image stores an image under a tag, or by its digest under none.
func (s *site) image(repository, tag string, layers ...ocispec.Descriptor) ocispec.Descriptor {
	s.t.Helper()
	data, err := json.Marshal(ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, Layers: layers})
	if err != nil {
		s.t.Fatal(err)
	}
	desc := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromBytes(data), Size: int64(len(data))}
	if tag == "" {
		tag = desc.Digest.String()
	}
	s.put(repository, tag, desc.MediaType, data)
	return desc
}

// index stores an index under a tag.
func (s *site) index(repository, tag string, manifests ...ocispec.Descriptor) {
	s.t.Helper()
	data, err := json.Marshal(ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: manifests})
	if err != nil {
		s.t.Fatal(err)
	}
	s.put(repository, tag, ocispec.MediaTypeImageIndex, data)
}

// ran is when commands ran, some days after a day.
func ran(days int) time.Time { return time.Date(2026, 11, 1+days, 12, 0, 0, 0, time.UTC) }

// command is the record of a command, with its layer or without one.
func command(name string, day int, l *ocispec.Descriptor) record.Record {
	return record.Record{
		Key: digest.FromString(name), On: digest.FromString("on " + name), Result: digest.FromString("result of " + name), Blob: l, Ran: ran(day), Network: true,
	}
}

// setOf returns a set of records, which has the key of the last one.
func setOf(records ...record.Record) recordset.Set {
	return recordset.Set{Key: records[len(records)-1].Key, Records: records}
}

// set stores a set, as the function has changed its manifest.
func (s *site) set(repository string, set recordset.Set, change func(string) string) {
	s.t.Helper()
	encoded, err := set.Encode(ocispec.Platform{OS: "linux", Architecture: "amd64"})
	if err != nil {
		s.t.Fatal(err)
	}
	manifest := string(encoded.Manifest)
	if change != nil {
		manifest = change(manifest)
	}
	s.put(repository, recordset.Tag(set.Key), ocispec.MediaTypeImageManifest, []byte(manifest))
}

// read reads the repository a.
func (s *site) read() recordrepo.Repository {
	s.t.Helper()
	all, err := recordrepo.Read(s.t.Context(), s.reader, []recordrepo.Place{{Repository: s.host + "/a", Images: []string{s.host + "/a"}}})
	if err != nil {
		s.t.Fatal(err)
	}
	return all[0]
}

func TestRead(t *testing.T) {
	s := newSite(t)
	base, python, app, index := layer("base", 1000), layer("python", 200), layer("app", 30), layer("index", 7)
	s.image("a", "1", base, python, app)
	s.image("a", "latest", base, python, app)
	s.image("a", "old", base, python)
	set := setOf(command("python", 1, &python), record.Record{Key: digest.FromString("app"), On: digest.FromString("on"), Result: digest.FromString("app"), Blob: &app})
	set.Indexes = map[digest.Digest]recordset.Index{digest.FromString("base"): {Blob: index, DiffID: digest.FromString("diff ID")}}
	s.set("a", set, nil)
	r := s.read()
	if len(r.Sets) != 1 {
		t.Fatalf("it has %d sets", len(r.Sets))
	}
	got := r.Sets[0]
	if got.Reference != s.host+"/a:"+recordset.Tag(set.Key) || got.Key != set.Key || got.State != recordrepo.Readable || got.Problem != "" {
		t.Errorf("the set is %+v", got)
	}
	if got.Records != 2 || got.Commands != 1 || !got.Ran.Equal(ran(1)) {
		t.Errorf("it has %d records, %d of commands, the last at %s", got.Records, got.Commands, got.Ran)
	}
	if diff := cmp.Diff([]string{"1", "latest"}, got.UsedBy); diff != "" {
		t.Errorf("it is used by (-want +got):\n%s", diff)
	}
	if got.Size != 7 || r.Size() != 7 {
		t.Errorf("only sets have %d and %d bytes of layers, want those of the index", got.Size, r.Size())
	}
}

func TestRead_nothingThere(t *testing.T) {
	if r := newSite(t).read(); len(r.Sets) != 0 || r.Size() != 0 {
		t.Errorf("a repository that does not exist has %+v", r)
	}
}

// A repository of which a tag cannot be read says nothing: what the tag points to may need any set.
func TestRead_whatCannotBeRead(t *testing.T) {
	s := newSite(t)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v2/":
		case "/v2/a/tags/list":
			_, _ = io.WriteString(w, `{"tags":["1"]}`)
		default:
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer proxy.Close()
	s.host = strings.TrimPrefix(proxy.URL, "http://")
	_, err := recordrepo.Read(t.Context(), s.reader, []recordrepo.Place{{Repository: s.host + "/a", Images: []string{s.host + "/a"}}})
	if err == nil || !strings.Contains(err.Error(), "/a:1") {
		t.Errorf("the error is %v", err)
	}
}

func TestRepository_Needed(t *testing.T) {
	own, other := layer("own", 10), layer("other", 10)
	hollow := func(name string, day int) recordset.Set { return setOf(command(name, day, nil)) }
	undated := hollow("undated", 0)
	undated.Records[0].Ran = time.Time{}
	for _, test := range []struct {
		name  string
		with  func(s *site)
		set   recordset.Set
		other func(manifest string) string // changes the manifest of the set
		state recordrepo.State
		want  bool
	}{
		{"used", func(s *site) { s.image("a", "1", other, own) }, setOf(command("x", 0, &own)), nil, recordrepo.Readable, true},
		{"used with more on top", func(s *site) { s.image("a", "1", own, other) }, setOf(command("x", 0, &own)), nil, recordrepo.Readable, true},
		{"used with a layer that nobody keeps", func(s *site) { s.image("a", "1", own) }, setOf(command("x", 0, nil), command("y", 0, &own)), nil, recordrepo.Readable, true},
		{"used in its lowest layer", func(s *site) { s.image("a", "1", other) }, setOf(command("x", 0, &other), command("y", 0, &own)), nil, recordrepo.Readable, false},
		{"used in its highest layer", func(s *site) { s.image("a", "1", own) }, setOf(command("x", 0, &other), command("y", 0, &own)), nil, recordrepo.Readable, false},
		{"used by two images together", func(s *site) { s.image("a", "1", own); s.image("a", "2", other) }, setOf(command("x", 0, &other), command("y", 0, &own)), nil, recordrepo.Readable, false},
		{"used by an image of an index", func(s *site) { s.index("a", "1", s.image("a", "", other), s.image("a", "", own)) }, setOf(command("x", 0, &own)), nil, recordrepo.Readable, true},
		{"used by a tag that only looks like one of sets", func(s *site) { s.image("a", "key-1", own) }, setOf(command("x", 0, &own)), nil, recordrepo.Readable, true},
		{"not used", func(s *site) { s.image("a", "1", other) }, setOf(command("x", 0, &own)), nil, recordrepo.Readable, false},
		{"used by another set", func(s *site) { s.image("a", "1", other); s.set("a", setOf(command("z", 0, &own)), nil) }, setOf(command("x", 0, &own)), nil, recordrepo.Readable, false},
		{"used in another repository", func(s *site) { s.image("b", "1", own) }, setOf(command("x", 0, &own)), nil, recordrepo.Readable, false},
		{"used by what has the tag of a set", func(s *site) { s.image("a", recordset.Tag(digest.FromString("foreign")), own) }, setOf(command("x", 0, &own)), nil, recordrepo.Readable, true},
		{"no layer", func(s *site) { s.image("a", "1", other) }, hollow("x", 0), nil, recordrepo.Readable, true},
		{"no layer, and no image", func(*site) {}, hollow("x", 0), nil, recordrepo.Readable, false},
		{"no layer, older than another set by the age", func(s *site) { s.image("a", "1", other); s.set("a", setOf(command("z", 30, &other)), nil) }, hollow("x", 0), nil, recordrepo.Readable, true},
		{"no layer, older than another set by more", func(s *site) { s.image("a", "1", other); s.set("a", setOf(command("z", 31, &other)), nil) }, hollow("x", 0), nil, recordrepo.Readable, false},
		{"no layer, of no known time", func(s *site) { s.image("a", "1", other); s.set("a", setOf(command("z", 31, &other)), nil) }, undated, nil, recordrepo.Readable, true},
		{"another format", func(*site) {}, setOf(command("x", 0, &own)), func(m string) string {
			return strings.Replace(m, `records":"1 `, `records":"2 `, 1)
		}, recordrepo.Unknown, true},
		{"damaged", func(s *site) { s.image("a", "1", own) }, setOf(command("x", 0, &own)), func(m string) string {
			return strings.Replace(m, `2026-11-01`, `2026-11-02`, 1)
		}, recordrepo.Damaged, false},
		{"something else", func(*site) {}, setOf(command("x", 0, &own)), func(m string) string {
			return strings.Replace(m, `"org.pulpimg.records"`, `"org.example.records"`, 1)
		}, recordrepo.Foreign, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t)
			test.with(s)
			s.set("a", test.set, test.other)
			r := s.read()
			for _, set := range r.Sets {
				if set.Key != test.set.Key {
					continue
				}
				if got := r.Needed(set, recordrepo.DefaultAge); got != test.want || set.State != test.state {
					t.Errorf("it is %s (%s), needed: %v; want %s and %v", set.State, set.Problem, got, test.state, test.want)
				}
				return
			}
			t.Errorf("it is not there: %+v", r.Sets)
		})
	}
}

// A set that somebody gave another tag as well is needed: its manifest is not to go.
func TestRepository_Needed_underAnotherTag(t *testing.T) {
	s := newSite(t)
	set := setOf(command("x", 0, nil))
	s.set("a", set, nil)
	encoded, err := set.Encode(ocispec.Platform{OS: "linux", Architecture: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	s.put("a", "kept", ocispec.MediaTypeImageManifest, encoded.Manifest)
	r := s.read()
	if len(r.Sets) != 1 || !r.Needed(r.Sets[0], 0) || cmp.Diff([]string{"kept"}, r.Sets[0].UsedBy) != "" {
		t.Errorf("got %+v", r.Sets)
	}
}

// What is freed is counted once, and not at all if anything keeps it.
func TestRepository_Unneeded(t *testing.T) {
	s := newSite(t)
	published, both, strange, one, two := layer("published", 1), layer("both", 10), layer("strange", 100), layer("one", 1000), layer("two", 10000)
	s.image("a", "1", published, layer("kept", 5))
	s.set("a", setOf(command("w", 0, &published), command("hollow", 0, nil)), nil)
	s.set("a", setOf(command("w", 0, &published), command("kept", 0, &strange)), func(m string) string { return strings.Replace(m, `records":"1 `, `records":"2 `, 1) })
	s.set("a", setOf(command("x", 0, &both), command("y", 0, &one)), nil)
	s.set("a", setOf(command("x", 0, &both), command("v", 0, &strange), command("z", 0, &two)), nil)
	sets, size := s.read().Unneeded(recordrepo.DefaultAge)
	if len(sets) != 2 || size != 11010 {
		t.Errorf("%d sets are not needed, of %d bytes", len(sets), size)
	}
}

func TestRead_otherRepositoriesOfImages(t *testing.T) {
	s := newSite(t)
	own := layer("own", 10)
	s.set("records", setOf(command("x", 0, &own)), nil)
	s.image("records", "1", own)
	s.image("b", "2", own)
	all, err := recordrepo.Read(t.Context(), s.reader, []recordrepo.Place{
		{Repository: s.host + "/records", Images: []string{s.host + "/b"}}, {Repository: s.host + "/b", Images: []string{s.host + "/b"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all[0].Sets) != 1 || len(all[1].Sets) != 0 || !all[0].Apart || all[1].Apart || cmp.Diff([]string{s.host + "/b:2"}, all[0].Sets[0].UsedBy) != "" {
		t.Errorf("got %+v", all)
	}
}
