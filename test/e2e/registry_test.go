package e2e

import (
	"archive/tar"
	"errors"
	"io"
	"net/http"
	"path"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// image returns an image of the lab's registry.
func image(t *testing.T, reference string) v1.Image {
	t.Helper()
	ref, err := name.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(ref)
	if err != nil {
		t.Fatalf("reading %s: %v", reference, err)
	}
	return img
}

// config returns the config of an image.
func config(t *testing.T, img v1.Image) *v1.ConfigFile {
	t.Helper()
	c, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// layers returns the layers of an image.
func layers(t *testing.T, img v1.Image) []v1.Layer {
	t.Helper()
	list, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// layerDigests returns the digests of an image's layers.
func layerDigests(t *testing.T, img v1.Image) []string {
	t.Helper()
	var out []string
	for _, l := range layers(t, img) {
		digest, err := l.Digest()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, digest.String())
	}
	return out
}

// madeBy returns which of an image's layers were made by what its history says begins like this.
func madeBy(t *testing.T, img v1.Image, prefix string) []int {
	t.Helper()
	var out []int
	at := 0
	for _, entry := range config(t, img).History {
		if entry.EmptyLayer {
			continue
		}
		if strings.HasPrefix(entry.CreatedBy, prefix) {
			out = append(out, at)
		}
		at++
	}
	if len(out) == 0 {
		t.Fatalf("no layer was made by %q: %+v", prefix, config(t, img).History)
	}
	return out
}

// entries returns what a layer holds, by absolute path.
func entries(t *testing.T, l v1.Layer) map[string]*tar.Header {
	t.Helper()
	out := map[string]*tar.Header{}
	walk(t, l, func(name string, h *tar.Header, _ io.Reader) { out[name] = h })
	return out
}

// file returns the content of a file in a layer.
func file(t *testing.T, l v1.Layer, wanted string) []byte {
	t.Helper()
	var data []byte
	found := false
	walk(t, l, func(name string, _ *tar.Header, content io.Reader) {
		if name != wanted {
			return
		}
		var err error
		if data, err = io.ReadAll(content); err != nil {
			t.Fatal(err)
		}
		found = true
	})
	if !found {
		t.Fatalf("the layer has no %s", wanted)
	}
	return data
}

func walk(t *testing.T, l v1.Layer, visit func(name string, h *tar.Header, content io.Reader)) {
	t.Helper()
	r, err := l.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for archive := tar.NewReader(r); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		visit(path.Join("/", h.Name), h, archive)
	}
}

// absent fails the test unless the lab's registry says that it has nothing under the reference.
func absent(t *testing.T, reference string) {
	t.Helper()
	ref, err := name.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	desc, err := remote.Head(ref)
	var status *transport.Error
	switch {
	case err == nil:
		t.Errorf("%s is there: %s", reference, desc.Digest)
	case !errors.As(err, &status) || status.StatusCode != http.StatusNotFound:
		t.Errorf("asking for %s: %v", reference, err)
	}
}
