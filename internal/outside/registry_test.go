package outside_test

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	spb "github.com/moby/buildkit/sourcepolicy/pb"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/outside"
	"github.com/pulpimg/pulpimg/internal/policy"
	"github.com/pulpimg/pulpimg/pkg/layout"
	"github.com/pulpimg/pulpimg/pkg/publish"
	"github.com/pulpimg/pulpimg/pkg/registries"
)

// TestMain keeps the registries.conf of the machine out of the tests.
func TestMain(m *testing.M) {
	if err := os.Setenv("CONTAINERS_REGISTRIES_CONF", "/dev/null"); err != nil {
		log.Fatal(err)
	}
	os.Exit(m.Run())
}

// A registry is a double with one repository under every name. It answers by what test puts into it.
type registry struct {
	t    *testing.T
	Host string
	// before answers a request instead, if it returns true.
	before func(w http.ResponseWriter, r *http.Request) bool

	mu    sync.Mutex
	has   map[string][]byte // by digest
	tags  map[string]ocispec.Descriptor
	asked []string
}

func newRegistry(t *testing.T) *registry {
	t.Helper()
	r := &registry{t: t, has: map[string][]byte{}, tags: map[string]ocispec.Descriptor{}}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.Host = server.Listener.Addr().String()
	return r
}

// ServeHTTP implements http.Handler.
func (r *registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if req.URL.Path == "/v2/" {
		return
	}
	r.asked = append(r.asked, req.Method+" "+strings.TrimPrefix(req.URL.Path, "/v2/"))
	if r.before != nil && r.before(w, req) {
		return
	}
	name := req.URL.Path[strings.LastIndexByte(req.URL.Path, '/')+1:]
	if desc, ok := r.tags[name]; ok {
		w.Header().Set("Content-Type", desc.MediaType)
		name = desc.Digest.String()
	}
	data, ok := r.has[name]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Docker-Content-Digest", name)
	w.Header().Set("Content-Length", fmt.Sprint(len(data)))
	_, _ = w.Write(data)
}

// requests returns what was asked since the last call, with short digests.
func (r *registry) requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.asked
	r.asked = nil
	return out
}

// put stores a value, and tags it if there is a tag.
func (r *registry) put(tag, mediaType string, value any) ocispec.Descriptor {
	r.t.Helper()
	data, ok := value.([]byte)
	if !ok {
		var err error
		if data, err = json.Marshal(value); err != nil {
			r.t.Fatal(err)
		}
	}
	desc := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.has[desc.Digest.String()] = data
	if tag != "" {
		r.tags[tag] = desc
	}
	return desc
}

// image stores an image with a layer.
func (r *registry) image(tag string, p ocispec.Platform, layers ...ocispec.Descriptor) ocispec.Descriptor {
	r.t.Helper()
	config := ocispec.Image{Platform: p, RootFS: ocispec.RootFS{Type: "layers"}, Config: ocispec.ImageConfig{Env: []string{"P=" + p.Architecture + p.Variant}}}
	for range layers {
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, digest.FromString("diff"))
	}
	return r.put(tag, ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: r.put("", ocispec.MediaTypeImageConfig, config), Layers: layers,
	})
}

// index stores an index of images for platforms.
func (r *registry) index(tag string, manifests ...ocispec.Descriptor) ocispec.Descriptor {
	r.t.Helper()
	return r.put(tag, ocispec.MediaTypeImageIndex, ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: manifests,
	})
}

func with(desc ocispec.Descriptor, p ocispec.Platform) ocispec.Descriptor {
	desc.Platform = &p
	return desc
}

func platform(arch, variant string) ocispec.Platform {
	return ocispec.Platform{OS: "linux", Architecture: arch, Variant: variant}
}

// newFinder returns a Finder with what a registries.conf says.
func newFinder(t *testing.T, conf string, rules *spb.Policy) outside.Finder {
	t.Helper()
	file := filepath.Join(t.TempDir(), "registries.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CONTAINERS_REGISTRIES_CONF", file)
	config, err := registries.Load(registries.Options{Root: t.TempDir(), Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := publish.NewReader(publish.Options{
		Registries: config, Keychain: authn.NewMultiKeychain(), Backoff: publish.Backoff{Attempts: 2, First: time.Microsecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	known, err := layout.OpenBlobs(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return outside.Finder{Registries: config, Policy: policy.New(rules), Reader: reader, Known: known}
}
