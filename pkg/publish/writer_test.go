package publish

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/registries"
)

func newWriter(t *testing.T) *Writer {
	t.Helper()
	w, err := NewWriter(Options{Registries: &registries.Config{}, Backoff: Backoff{Attempts: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// An image without layers, and its config.
func emptyImage(config string) (manifest []byte) {
	return fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,"digest":%q,"size":%d},"layers":[]}`,
		ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageConfig, digest.FromString(config), len(config))
}

func TestWriter_Put(t *testing.T) {
	var asked requests
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.add(r)
		inner.ServeHTTP(w, r)
	})
	w := newWriter(t)
	for i, config := range []string{`{"os":"linux"}`, `{"os":"linux"}`, `{"os":"plan9"}`} {
		want := emptyImage(config)
		if err := w.Put(t.Context(), host+"/a/b:key-1", want, []byte(config)); err != nil {
			t.Fatal(err)
		}
		got, err := w.Tagged(t.Context(), host+"/a/b:key-1")
		if err != nil || string(got) != string(want) {
			t.Errorf("the tag has %q, %v", got, err)
		}
		has, err := w.HasBlob(t.Context(), host+"/a/b:key-1", ocispec.Descriptor{Digest: digest.FromString(config), Size: int64(len(config))})
		if err != nil || !has {
			t.Errorf("it has the config: %t, %v", has, err)
		}
		if n, sent := strings.Count(asked.String(), "POST "), 1+i/2; n != sent {
			t.Errorf("%d configs were sent, want %d: a known one is not sent again", n, sent)
		}
	}
	if n := strings.Count(asked.String()+", ", "GET /v2/, "); n != 1 {
		t.Errorf("it connected %d times: %s", n, asked.String())
	}
}

// A registry may take no such tag, or lack a layer.
func TestWriter_Put_refused(t *testing.T) {
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	for name, test := range map[string]struct {
		status int
		want   string
	}{
		"the user may not": {http.StatusForbidden, "refused"},
		"a rule":           {http.StatusPreconditionFailed, "storing "},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") {
					w.WriteHeader(test.status)
					return
				}
				inner.ServeHTTP(w, r)
			}))
			t.Cleanup(server.Close)
			err := newWriter(t).Put(t.Context(), server.Listener.Addr().String()+"/a/b:key-1", emptyImage("{}"), []byte("{}"))
			if err == nil || !strings.Contains(kindOf(err), test.want) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
