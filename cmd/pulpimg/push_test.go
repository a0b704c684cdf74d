package main

import (
	"bytes"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ggcrregistry "github.com/google/go-containerregistry/pkg/registry"

	"github.com/pulpimg/pulpimg/pkg/build"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

func TestPublish_isDoneThoughItCannotBeRecorded(t *testing.T) {
	server := httptest.NewServer(ggcrregistry.New(ggcrregistry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	from := openLayout(t)
	image := builtFor(t, from, "a", "amd64")
	image.References = []string{strings.TrimPrefix(server.URL, "http://") + "/a:1"}
	if _, err := from.Add(t.Context(), layout.Build{Images: []layout.Image{image}}); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(from.Dir(), layout.PublishedFile, "in-the-way"), 0o755); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	result, err := publishImages(t.Context(), console{out: io.Discard, err: &said}, &family.Family{}, from, []layout.Image{image}, &registryFlags{})
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

func TestWithBuildHint(t *testing.T) {
	f := &family.Family{Spec: &spec.Spec{Filename: "app.yaml"}}
	for _, test := range []struct {
		err  error
		want string // what the message ends with
	}{
		{layout.ErrEmpty, "nothing was built yet: run pulpimg build -f app.yaml first"},
		{&build.StaleError{Spec: "app.yaml", Changed: []string{"web"}}, "; run pulpimg build -f app.yaml, or take that build as it is with --last-build"},
		{errors.New("other"), "other"},
	} {
		if got := withBuildHint(f, test.err).Error(); !strings.HasSuffix(got, test.want) {
			t.Errorf("%q does not end with %q", got, test.want)
		}
	}
}
