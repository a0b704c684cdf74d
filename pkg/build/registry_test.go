package build

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/record"
	"github.com/pulpimg/pulpimg/internal/recordset"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
	"github.com/pulpimg/pulpimg/pkg/publish"
	"github.com/pulpimg/pulpimg/pkg/registries"
)

// A recordHub is a registry that notes what it is asked, and can answer something else.
type recordHub struct {
	t     *testing.T
	host  string
	inner http.Handler

	mu     sync.Mutex
	asked  []string // METHOD PATH
	answer func(w http.ResponseWriter, r *http.Request) bool
}

func newRecordHub(t *testing.T, options ...registry.Option) *recordHub {
	t.Helper()
	h := &recordHub{t: t, inner: registry.New(append(options, registry.Logger(log.New(io.Discard, "", 0)))...)}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	h.host = server.Listener.Addr().String()
	return h
}

func (h *recordHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.asked = append(h.asked, r.Method+" "+r.URL.Path)
	answer := h.answer
	h.mu.Unlock()
	if answer == nil || !answer(w, r) {
		h.inner.ServeHTTP(w, r)
	}
}

// answers has requests answered by a function that returns whether it did; nil answers none.
func (h *recordHub) answers(answer func(w http.ResponseWriter, r *http.Request) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = answer
}

// refuses has requests answered by a status if their method and path contain all of some words.
func (h *recordHub) refuses(status int, words ...string) {
	h.answers(func(w http.ResponseWriter, r *http.Request) bool {
		if !containsAll(r.Method+" "+r.URL.Path, words...) {
			return false
		}
		w.WriteHeader(status)
		return true
	})
}

func containsAll(text string, words ...string) bool {
	return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
}

// requests returns how many requests there were, since it was called last, whose method and path contain all of some words.
func (h *recordHub) requests(words ...string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, request := range h.asked {
		if containsAll(request, words...) {
			n++
		}
	}
	h.asked = nil
	return n
}

// base puts an index with an image for each of some architectures into the registry. Its layers are archives, and for each architecture one more.
func (h *recordHub) base(architectures []string, layers ...[]byte) {
	h.t.Helper()
	index := v1.ImageIndex(empty.Index)
	for _, architecture := range architectures {
		image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: architecture})
		if err != nil {
			h.t.Fatal(err)
		}
		for _, data := range append([][]byte{tarOf(h.t, regular("arch", architecture, 0o644))}, layers...) {
			l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil })
			if err != nil {
				h.t.Fatal(err)
			}
			if image, err = mutate.AppendLayers(image, l); err != nil {
				h.t.Fatal(err)
			}
		}
		platform := &v1.Platform{OS: "linux", Architecture: architecture}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: platform}})
	}
	ref, err := name.ParseReference(h.host + "/base:1")
	if err != nil {
		h.t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, index); err != nil {
		h.t.Fatal(err)
	}
}

// do makes a request to the registry, and returns what it answers.
func (h *recordHub) do(method, path, body string) (status int, answer []byte) {
	h.t.Helper()
	req := httptest.NewRequest(method, "http://"+h.host+"/v2/"+path, strings.NewReader(body))
	req.Header.Set("Content-Type", ocispec.MediaTypeImageManifest)
	w := httptest.NewRecorder()
	h.inner.ServeHTTP(w, req)
	return w.Code, w.Body.Bytes()
}

// sets returns the tags of sets in a repository, sorted.
func (h *recordHub) sets(repository string) []string {
	h.t.Helper()
	var list struct {
		Tags []string `json:"tags"`
	}
	if status, data := h.do(http.MethodGet, repository+"/tags/list", ""); status != http.StatusOK || json.Unmarshal(data, &list) != nil {
		return nil
	}
	return slices.DeleteFunc(list.Tags, func(tag string) bool { return !strings.HasPrefix(tag, "key-") })
}

// set returns what a repository has under a key.
func (h *recordHub) set(repository string, key digest.Digest) recordset.Set {
	h.t.Helper()
	status, data := h.do(http.MethodGet, repository+"/manifests/"+recordset.Tag(key), "")
	if status != http.StatusOK {
		h.t.Fatalf("%s has no %s: %d", repository, recordset.Tag(key), status)
	}
	set, _, err := recordset.Decode(data, key)
	if err != nil {
		h.t.Fatal(err)
	}
	return set
}

// edit changes the manifests of all sets in a repository.
func (h *recordHub) edit(repository string, change func(manifest string) string) {
	h.t.Helper()
	for _, tag := range h.sets(repository) {
		_, data := h.do(http.MethodGet, repository+"/manifests/"+tag, "")
		if status, answer := h.do(http.MethodPut, repository+"/manifests/"+tag, change(string(data))); status != http.StatusCreated {
			h.t.Fatalf("putting %s: %d %s", tag, status, answer)
		}
	}
}

// layered has a command, files that have to be placed on what it made, and another command.
const layered = `version: 1
name: f
registry: HOST/team
tag: "1"
images:
  base:
    from: "HOST/base:1"
    steps:
      - run: first
      - files: { from: app, to: /lib/app }
      - run: second
  web:
    from: base
    steps: [ files: { from: page, to: /srv/page } ]
`

// newSiteOf returns a site where a spec is built that names a registry.
func newSiteOf(t *testing.T, h *recordHub, spec string) *site {
	s := newSite(t)
	s.write("f.yaml", strings.ReplaceAll(spec, "HOST", h.host))
	s.write("app", "app")
	s.write("page", "page")
	return s
}

// replace changes the spec.
func (s *site) replace(old, new string) {
	s.t.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, "f.yaml"))
	if err != nil || !strings.Contains(string(data), old) {
		s.t.Fatalf("%v: there is no %q", err, old)
	}
	s.write("f.yaml", strings.Replace(string(data), old, new, 1))
}

// runAll notes what an engine would have made of the steps that this machine does not know, as it notes it: layers of those that published
// images have. Its results tell one run from another. It returns what was forecast before.
func (s *site) runAll(run string) *forecast.Forecast {
	s.t.Helper()
	b := s.builder()
	seen := s.foresee(b)
	c := newChain(b.settings, seen)
	for _, image := range seen.Images {
		on := c.start(image)
		for at, step := range image.Steps {
			if !step.Makes {
				continue
			}
			on = c.together(image, at, on)
			r, ok := b.record(s.t.Context(), image.Source, b.recordKey(step))
			if isShared(image.Source.Steps[at]) && (!ok || r.On != on || step.Fresh) {
				r = s.ran(b, image, at, run)
				r.On = on
				if err := s.recordStore().Put(r); err != nil {
					s.t.Fatal(err)
				}
			}
			on = after(step.Command, on, r.Result)
		}
		c.on[image.Name()] = on
	}
	return seen
}

// ran returns the record of what an engine would have made of a step: a layer, if a published image has it.
func (s *site) ran(b builder, image *forecast.Image, at int, run string) record.Record {
	s.t.Helper()
	step := image.Steps[at]
	file := tarOf(s.t, regular("made/"+image.Source.Name+run, run+string(step.Key), 0o644))
	r := record.Record{Key: b.recordKey(step), Result: digest.FromBytes(file)}
	if step.Command {
		r.Ran, r.Again, r.Network = time.Now().UTC(), b.againOf(step), family.UsesNetwork(image.Source.Steps[at])
	}
	if !slices.ContainsFunc(b.family.Published(), func(i *family.Image) bool { return isBasedOn(i, image.Source) }) {
		return r
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err := z.Write(file)
	if err := errors.Join(err, z.Close()); err != nil {
		s.t.Fatal(err)
	}
	blob, err := b.layers.Blobs().Write(ocispec.MediaTypeImageLayerGzip, zipped.Bytes())
	if err != nil {
		s.t.Fatal(err)
	}
	if err := b.layers.Keep(s.t.Context(), b.layers.Blobs(), r.Result, blob); err != nil {
		s.t.Fatal(err)
	}
	r.Blob = &blob
	return r
}

func isBasedOn(image, on *family.Image) bool {
	for ; image != nil; image = image.Parent {
		if image.Name == on.Name {
			return true
		}
	}
	return false
}

// recordStore has the records of this machine.
func (s *site) recordStore() record.Store {
	s.t.Helper()
	layers, err := s.cache.layers()
	if err != nil {
		s.t.Fatal(err)
	}
	return record.In(layers.Blobs().Root())
}

// build builds what needs no engine.
func (s *site) build() []layout.Image {
	s.t.Helper()
	b := s.builder()
	_, err := b.foreseeing(s.t.Context(), func(seen *forecast.Forecast, unseen error) (*Result, error) {
		if unseen != nil {
			s.t.Fatal(unseen)
		}
		s.t.Fatalf("the build needs an engine for %q", said(seen))
		return nil, nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	images, err := s.cache.Current(s.t.Context(), b.family, s.into)
	if err != nil {
		s.t.Fatal(err)
	}
	return images
}

// publishing are options that need no configuration of this machine.
func publishing() publish.Options {
	return publish.Options{
		Keychain: authn.NewMultiKeychain(), Registries: &registries.Config{}, Backoff: publish.Backoff{Attempts: 2, First: time.Millisecond},
	}
}

// push publishes images, and tells the registry how they were made.
func (s *site) push(images []layout.Image) error {
	s.t.Helper()
	if _, err := publish.Images(s.t.Context(), s.into, images, publishing()); err != nil {
		s.t.Fatal(err)
	}
	return share(s.t.Context(), &family.Family{}, s.into, images, s.cache, publishing(), 0)
}

// release runs all commands, builds and publishes.
func (s *site) release(run string) []layout.Image {
	s.t.Helper()
	s.runAll(run)
	images := s.build()
	if err := s.push(images); err != nil {
		s.t.Fatal(err)
	}
	return images
}

// unknown says what a build would have to do, and that an engine would have to do it if it does.
func (s *site) unknown() []string {
	s.t.Helper()
	return said(s.foresee(s.builder()))
}
