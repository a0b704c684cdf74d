package registrytest

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/outside"
	"github.com/pulpimg/pulpimg/pkg/layout"
	"github.com/pulpimg/pulpimg/pkg/publish"
	"github.com/pulpimg/pulpimg/pkg/registries"
)

// newFinder returns what finds images, with a mirror.
func newFinder(t *testing.T, of, at string) outside.Finder {
	t.Helper()
	config, err := registries.Load(registries.Options{Mirrors: []registries.Mirror{{Of: of, At: at}}, Root: t.TempDir(), Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := publish.NewReader(publish.Options{Registries: config, Keychain: user("cook", "pepper")})
	if err != nil {
		t.Fatal(err)
	}
	known, err := layout.OpenBlobs(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return outside.Finder{Registries: config, Reader: reader, Known: known}
}

// checkLayers reads the layers of an image to their ends, where their digests are compared.
func checkLayers(t *testing.T, f outside.Finder, image outside.Image, want v1.Image) {
	t.Helper()
	manifest, err := want.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	var read, all []string
	for _, l := range manifest.Layers {
		all = append(all, l.Digest.String())
	}
	for _, desc := range image.Layers {
		in, err := f.Open(t.Context(), image, desc)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, in)
		if err != nil || n != desc.Size {
			t.Errorf("layer %s: %d bytes, %v", desc.Digest, n, err)
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		read = append(read, desc.Digest.String())
	}
	if diff := cmp.Diff(all, read); diff != "" {
		t.Errorf("layers (-want +got):\n%s", diff)
	}
}

// An image is found in a mirror, or else in its registry, which wants a token. A layer whose connection breaks is read to its end.
func TestFinder_mirror(t *testing.T) {
	server := NewTokenServer(t, "cook", "pepper")
	origin, mirror := startWithTokens(t, server), StartProxied(t)
	amd64, arm64 := onPlatform(t, newBase(t, 3, layerSize, 1), "amd64"), onPlatform(t, newBase(t, 2, layerSize, 2), "arm64")
	index := newIndex(t, amd64, arm64)
	for _, items := range [][]publish.Item{{newItem(t, mirror.Host, "base", "1", index)}, {newItem(t, origin.Host, "base", "2", index)}} {
		mustPublish(t, items, publish.Options{Keychain: user("cook", "pepper")})
	}
	digest, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	origin.Forget()
	mirror.Forget()
	f := newFinder(t, origin.Host, mirror.Host)

	image, err := f.Find(t.Context(), origin.Host+"/pulp/base:1", ocispec.Platform{OS: "linux", Architecture: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	if want := mirror.Host + "/pulp/base:1@" + digest.String(); image.Reference != want {
		t.Errorf("it is at %s, want %s", image.Reference, want)
	}
	var asked []string
	for _, r := range mirror.Requests() {
		kind, _, _ := strings.Cut(strings.TrimPrefix(r.Path, "pulp/base/"), "/")
		asked = append(asked, r.Method+" "+kind)
	}
	if diff := cmp.Diff([]string{"GET ", "HEAD manifests", "GET manifests", "GET manifests", "GET blobs"}, asked); diff != "" {
		t.Errorf("requests to the mirror (-want +got):\n%s", diff)
	}
	mirror.Spoil(1, OfLayer, CutAnswer(layerSize/2))
	checkLayers(t, f, image, amd64)
	if n := mirror.Count(func(r Request) bool { return r.Status == http.StatusPartialContent }); n != 1 {
		t.Errorf("%d answers have a part of a layer, want one", n)
	}
	if n := len(origin.Requests()); n > 0 {
		t.Errorf("the registry is asked %d times for what its mirror has", n)
	}

	image, err = f.Find(t.Context(), origin.Host+"/pulp/base:2", ocispec.Platform{OS: "linux", Architecture: "arm64"})
	if err != nil {
		t.Fatal(err)
	}
	if want := origin.Host + "/pulp/base:2@" + digest.String(); image.Reference != want {
		t.Errorf("it is at %s, want %s", image.Reference, want)
	}
	checkLayers(t, f, image, arm64)
	if diff := cmp.Diff([]string{"repository:pulp/base:pull"}, server.Scopes()[len(server.Scopes())-1:]); diff != "" {
		t.Errorf("the last scope (-want +got):\n%s", diff)
	}
}

// OfLayer matches requests for the content of a blob.
func OfLayer(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/sha256:")
}
