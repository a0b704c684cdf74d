package main

import (
	"bytes"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ggcrregistry "github.com/google/go-containerregistry/pkg/registry"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

func TestPublish_isDoneThoughItCannotBeRecorded(t *testing.T) {
	server := httptest.NewServer(ggcrregistry.New(ggcrregistry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	from := openLayout(t)
	image := builtFor(t, from, "a", "amd64")
	image.Reference = strings.TrimPrefix(server.URL, "http://") + "/a:1"
	if _, err := from.Add(t.Context(), layout.Build{Images: []layout.Image{image}}); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(from.Dir(), publishedRecord, "in-the-way"), 0o755); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	result, err := publishImages(t.Context(), console{out: io.Discard, err: &said}, from, []layout.Image{image}, &registryFlags{})
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Items) != 1 || result.Items[0].Digest.String() != image.Descriptor.Digest.String() {
		t.Errorf("got %+v, want that %s is published", result.Items, image.Descriptor.Digest)
	}
	if !strings.Contains(said.String(), "pulpimg: everything is published, but later commands will ask the registry for it: recording what was published: ") {
		t.Errorf("it says\n%s", said.String())
	}
}
