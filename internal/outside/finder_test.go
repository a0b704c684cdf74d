package outside_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/outside"
	"github.com/pulpimg/pulpimg/pkg/publish"
)

const (
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerConfig   = "application/vnd.docker.container.image.v1+json"
	dockerLayer    = "application/vnd.docker.image.rootfs.diff.tar"
	dockerForeign  = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
)

// The manifest is the one that BuildKit chooses.
func TestFinder_Find_platform(t *testing.T) {
	for _, test := range []struct {
		name string
		make func(r *registry) // the tag 1
		want ocispec.Platform
		env  string // of the image that is found
		err  string
	}{
		{"an image alone", func(r *registry) { r.image("1", platform("amd64", "")) }, platform("amd64", ""), "P=amd64", ""},
		{"an image alone, for another platform", func(r *registry) { r.image("1", platform("arm64", "")) }, platform("amd64", ""), "", "it is for linux/arm64, not for linux/amd64"},
		{"an image alone, for a variant that is the usual one", func(r *registry) { r.image("1", platform("arm64", "v8")) }, platform("arm64", ""), "P=arm64v8", ""},
		{"an index", func(r *registry) {
			r.index("1", with(r.image("", platform("arm64", "v8")), platform("arm64", "v8")), with(r.image("", platform("amd64", "")), platform("amd64", "")))
		}, platform("amd64", ""), "P=amd64", ""},
		{"variants of arm", func(r *registry) {
			r.index("1", with(r.image("", platform("arm", "v5")), platform("arm", "v5")), with(r.image("", platform("arm", "v7")), platform("arm", "v7")))
		}, platform("arm", "v7"), "P=armv7", ""},
		{"versions of amd64, the plain one is wanted", func(r *registry) {
			r.index("1", with(r.image("", platform("amd64", "v3")), platform("amd64", "v3")), with(r.image("", platform("amd64", "")), platform("amd64", "")))
		}, platform("amd64", ""), "P=amd64", ""},
		{"versions of amd64, v3 is wanted", func(r *registry) {
			r.index("1", with(r.image("", platform("amd64", "")), platform("amd64", "")), with(r.image("", platform("amd64", "v3")), platform("amd64", "v3")))
		}, platform("amd64", "v3"), "P=amd64v3", ""},
		{"an older variant runs, but is another platform", func(r *registry) {
			r.index("1", with(r.image("", platform("arm", "v6")), platform("arm", "v6")))
		}, platform("arm", "v7"), "", "it is for linux/arm/v6, not for linux/arm/v7"},
		{"an older variant in the index than in the image", func(r *registry) {
			r.index("1", with(r.image("", platform("arm", "v7")), platform("arm", "v6")))
		}, platform("arm", "v7"), "P=armv7", ""},
		{"attestations", func(r *registry) {
			unknown := ocispec.Platform{OS: "unknown", Architecture: "unknown"}
			r.index("1", with(r.image("", unknown), unknown), with(r.image("", platform("amd64", "")), platform("amd64", "")))
		}, platform("amd64", ""), "P=amd64", ""},
		{"none for the platform", func(r *registry) {
			unknown := ocispec.Platform{OS: "unknown", Architecture: "unknown"}
			r.index("1", with(r.image("", platform("s390x", "")), platform("s390x", "")), with(r.image("", unknown), unknown))
		}, platform("amd64", ""), "", "it is for linux/s390x, not for linux/amd64"},
		{"an empty index", func(r *registry) {
			r.put("1", ocispec.MediaTypeImageIndex, []byte(`{"schemaVersion":2,"manifests":[]}`))
		}, platform("amd64", ""), "", "for no platform"},
		{"an index in an index", func(r *registry) {
			r.index("1", r.index("", with(r.image("", platform("amd64", "")), platform("amd64", ""))))
		}, platform("amd64", ""), "P=amd64", ""},
		{"an index with the manifest in it", func(r *registry) {
			m := with(r.image("", platform("amd64", "")), platform("amd64", ""))
			m.Data = r.has[m.Digest.String()]
			r.index("1", m)
		}, platform("amd64", ""), "P=amd64", ""},
		{"an index that says no platform", func(r *registry) { r.index("1", r.image("", platform("amd64", ""))) }, platform("amd64", ""), "P=amd64", ""},
		{"an index that says no platform, for another one", func(r *registry) { r.index("1", r.image("", platform("arm64", ""))) }, platform("amd64", ""), "", "not for linux/amd64"},
		{"two of the same platform", func(r *registry) {
			r.index("1", with(r.image("", platform("amd64", "v1")), platform("amd64", "")), with(r.image("", platform("amd64", "")), platform("amd64", "")))
		}, platform("amd64", ""), "P=amd64v1", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRegistry(t)
			test.make(r)
			got, err := newFinder(t, "", nil).Find(t.Context(), r.Host+"/base:1", test.want)
			if test.err != "" {
				var other *outside.PlatformError
				if !errors.As(err, &other) || !strings.Contains(err.Error(), test.err) {
					t.Errorf("the error is %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{test.env}, got.Config.Config.Env); diff != "" {
				t.Errorf("the environment of its config (-want +got):\n%s", diff)
			}
			if _, ok := r.has[got.Manifest.Digest.String()]; !ok || got.Manifest.Data != nil {
				t.Errorf("its manifest is %+v", got.Manifest)
			}
			if got.Digest != r.tags["1"].Digest || got.Reference != r.Host+"/base:1@"+got.Digest.String() {
				t.Errorf("it is %s at %s, want %s", got.Digest, got.Reference, r.tags["1"].Digest)
			}
		})
	}
}

// Docker's media types become the OCI's, and blobs stay as they are.
func TestFinder_Find_layers(t *testing.T) {
	blob := func(mediaType string, annotations map[string]string) ocispec.Descriptor {
		return ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromString("l"), Size: 1, Annotations: annotations}
	}
	const toc = "containerd.io/snapshot/stargz/toc.digest"
	for _, test := range []struct {
		name    string
		in, out ocispec.Descriptor
		err     string
	}{
		{"gzip of Docker", blob(dockerLayer+".gzip", nil), blob(ocispec.MediaTypeImageLayerGzip, nil), ""},
		{"tar of Docker", blob(dockerLayer, nil), blob(ocispec.MediaTypeImageLayer, nil), ""},
		{"zstd of Docker", blob(dockerLayer+".zstd", nil), blob(ocispec.MediaTypeImageLayerZstd, nil), ""},
		{"zstd", blob(ocispec.MediaTypeImageLayerZstd, nil), blob(ocispec.MediaTypeImageLayerZstd, nil), ""},
		{"a foreign one that is in the registry", blob(dockerForeign, nil), blob(ocispec.MediaTypeImageLayerGzip, nil), ""},
		{"one of the OCI that need not be distributed", blob("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", nil), blob(ocispec.MediaTypeImageLayerGzip, nil), ""},
		{"annotations", blob(ocispec.MediaTypeImageLayerGzip, map[string]string{toc: "x", "other": "y"}), blob(ocispec.MediaTypeImageLayerGzip, map[string]string{toc: "x"}), ""},
		{"a foreign one", ocispec.Descriptor{MediaType: dockerForeign, Digest: digest.FromString("l"), URLs: []string{"https://h.test/l"}}, ocispec.Descriptor{}, "not in its registry"},
		{"an unknown type", blob("text/plain", nil), ocispec.Descriptor{}, `of the media type "text/plain"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRegistry(t)
			r.image("1", platform("amd64", ""), test.in)
			got, err := newFinder(t, "", nil).Find(t.Context(), r.Host+"/base:1", platform("amd64", ""))
			if test.err != "" {
				var unsupported *outside.UnsupportedError
				if !errors.As(err, &unsupported) || !strings.Contains(err.Error(), test.err) {
					t.Errorf("the error is %v", err)
				}
				return
			}
			if diff := cmp.Diff([]ocispec.Descriptor{test.out}, got.Layers); diff != "" || err != nil {
				t.Errorf("%v, layers (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestFinder_Find_docker(t *testing.T) {
	r := newRegistry(t)
	l := r.put("", dockerLayer+".gzip", []byte("layer"))
	config := r.put("", dockerConfig, []byte(`{"architecture":"amd64","os":"linux","rootfs":{"diff_ids":["`+digest.FromString("d")+`"]},"config":{"OnBuild":["RUN x"]}}`))
	manifest := r.put("", dockerManifest, ocispec.Manifest{MediaType: dockerManifest, Config: config, Layers: []ocispec.Descriptor{l}})
	r.put("1", dockerList, ocispec.Index{MediaType: dockerList, Manifests: []ocispec.Descriptor{with(manifest, platform("amd64", ""))}})
	got, err := newFinder(t, "", nil).Find(t.Context(), r.Host+"/base:1", platform("amd64", ""))
	if err != nil {
		t.Fatal(err)
	}
	if got.Manifest.Digest != manifest.Digest || got.Manifest.MediaType != dockerManifest || got.Layers[0].MediaType != ocispec.MediaTypeImageLayerGzip ||
		!slices.Equal(got.Config.Config.OnBuild, []string{"RUN x"}) {
		t.Errorf("got %+v", got)
	}
}

// What is known by digest is not asked for again.
func TestFinder_requests(t *testing.T) {
	r := newRegistry(t)
	m := r.image("", platform("amd64", ""))
	index := r.index("1", with(m, platform("amd64", "")))
	f := newFinder(t, "", nil)
	find := func(reference string) outside.Image {
		t.Helper()
		image, err := f.Find(t.Context(), reference, platform("amd64", ""))
		if err != nil {
			t.Fatal(err)
		}
		return image
	}
	first := find(r.Host + "/base:1")
	if got := r.requests(); len(got) != 4 || got[0] != "HEAD base/manifests/1" {
		t.Errorf("the first time, it asks for %q", got)
	}
	if diff := cmp.Diff(first, find(r.Host+"/base:1")); diff != "" {
		t.Errorf("the second time (-first +second):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"HEAD base/manifests/1"}, r.requests()); diff != "" {
		t.Errorf("the second time, requests (-want +got):\n%s", diff)
	}
	find(r.Host + "/base@" + index.Digest.String())
	if known, err := f.Digest(t.Context(), r.Host+"/base:2@"+index.Digest.String()); err != nil || known != index.Digest {
		t.Errorf("got %s, %v", known, err)
	}
	if got := r.requests(); len(got) > 0 {
		t.Errorf("with a digest, it asks for %q", got)
	}
	file := f.Known.Path(m.Digest)
	if err := errors.Join(os.Chmod(file, 0o600), os.WriteFile(file, make([]byte, m.Size), 0o600)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, find(r.Host+"/base:1")); diff != "" {
		t.Errorf("with a damaged manifest (-first +now):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"HEAD base/manifests/1", "GET base/manifests/" + m.Digest.String()}, r.requests()); diff != "" {
		t.Errorf("with a damaged manifest, requests (-want +got):\n%s", diff)
	}
	f.Known = nil
	if diff := cmp.Diff(first, find(r.Host+"/base:1")); diff != "" {
		t.Errorf("without a place for what is known (-first +now):\n%s", diff)
	}
}

func TestFinder_quirks(t *testing.T) {
	for _, status := range []int{http.StatusNotFound, http.StatusMethodNotAllowed} {
		r := newRegistry(t)
		want := r.image("1", platform("amd64", ""))
		r.before = func(w http.ResponseWriter, req *http.Request) bool {
			if req.Method == http.MethodHead {
				w.WriteHeader(status)
				return true
			}
			return false
		}
		f := newFinder(t, "", nil)
		if got, err := f.Digest(t.Context(), r.Host+"/base:1"); err != nil || got != want.Digest {
			t.Errorf("a registry that answers HEAD with %d: %s, %v", status, got, err)
		}
		if got, err := f.Find(t.Context(), r.Host+"/base:1", platform("amd64", "")); err != nil || got.Manifest.Digest != want.Digest {
			t.Errorf("a registry that answers HEAD with %d: %+v, %v", status, got, err)
		}
	}
}

func TestFinder_damaged(t *testing.T) {
	amd64 := platform("amd64", "")
	for _, test := range []struct {
		name string
		make func(r *registry)
		err  string
	}{
		{"schema 1", func(r *registry) { r.put("1", "", []byte(`{"schemaVersion":1,"fsLayers":[]}`)) }, "schema 1"},
		{"both", func(r *registry) { r.put("1", "", []byte(`{"manifests":[],"layers":[]}`)) }, "neither a manifest nor an index"},
		{"neither", func(r *registry) { r.put("1", "", []byte(`{}`)) }, "neither a manifest nor an index"},
		{"no JSON", func(r *registry) { r.put("1", "", []byte(`<html>`)) }, "reading its manifest"},
		{"an index that says that it is a manifest", func(r *registry) { r.put("1", "", []byte(`{"mediaType":"`+dockerManifest+`","manifests":[]}`)) }, "which it is not"},
		{"an artifact", func(r *registry) {
			r.put("1", "", ocispec.Manifest{Config: r.put("", "application/vnd.cncf.helm.config.v1+json", []byte("{}")), Layers: []ocispec.Descriptor{}})
		}, "it is no image"},
		{"a large config", func(r *registry) {
			r.put("1", "", ocispec.Manifest{Config: r.put("", ocispec.MediaTypeImageConfig, make([]byte, 4<<20+1)), Layers: []ocispec.Descriptor{}})
		}, "the most that is read"},
		{"another number of layers", func(r *registry) {
			config := r.put("", ocispec.MediaTypeImageConfig, ocispec.Image{Platform: amd64, RootFS: ocispec.RootFS{DiffIDs: []digest.Digest{"sha256:x"}}})
			r.put("1", "", ocispec.Manifest{Config: config})
		}, "0 layers, and its config 1"},
		{"another size", func(r *registry) {
			m := with(r.image("", amd64), amd64)
			m.Size++
			r.index("1", m)
		}, "bytes, not"},
		{"a digest that is none", func(r *registry) {
			r.index("1", ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: "sha256:../x"})
		}, "invalid"},
		{"other content", func(r *registry) {
			m := r.image("", amd64)
			r.index("1", with(m, amd64))
			r.has[m.Digest.String()] = []byte("{}")
		}, "something else"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRegistry(t)
			test.make(r)
			_, err := newFinder(t, "", nil).Find(t.Context(), r.Host+"/base:1", amd64)
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("the error is %v, want %q", err, test.err)
			}
		})
	}
}

func mirrored(of string, at ...string) string {
	text := "[[registry]]\nprefix = \"r.test\"\nlocation = \"" + of + "\"\ninsecure = true\n"
	for _, m := range at {
		text += "[[registry.mirror]]\nlocation = \"" + m + "\"\ninsecure = true\n"
	}
	return text
}

// Mirrors come first. What one of them does not have, or has with another content, comes from the next place.
func TestFinder_mirrors(t *testing.T) {
	empty, full, origin := newRegistry(t), newRegistry(t), newRegistry(t)
	l := origin.put("", ocispec.MediaTypeImageLayerGzip, []byte("layer"))
	want := full.image("1", platform("amd64", ""), l)
	f := newFinder(t, mirrored(origin.Host, empty.Host+"/m", full.Host), nil)
	got, err := f.Find(t.Context(), "r.test/base:1", platform("amd64", ""))
	if err != nil {
		t.Fatal(err)
	}
	if got.Reference != full.Host+"/base:1@"+want.Digest.String() || got.Name != "r.test/base:1" {
		t.Errorf("got %s as %s", got.Reference, got.Name)
	}
	if asked := empty.requests(); len(asked) == 0 || asked[0] != "HEAD m/base/manifests/1" {
		t.Errorf("the first mirror is asked for %q", asked)
	}
	if asked := origin.requests(); len(asked) > 0 {
		t.Errorf("the registry is asked for %q", asked)
	}
	in, err := f.Open(t.Context(), got, l) // the mirror has no layers
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if data, err := io.ReadAll(in); err != nil || string(data) != "layer" {
		t.Errorf("got %q, %v", data, err)
	}
	full.requests()
	if in, err = f.Open(t.Context(), got, l); err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if diff := cmp.Diff([]string{"GET base/blobs/" + l.Digest.String()}, full.requests()); diff != "" {
		t.Errorf("requests for a layer to a mirror without it (-want +got):\n%s", diff)
	}
	_, err = f.Digest(t.Context(), "r.test/base:2")
	var places *outside.PlacesError
	var missing *publish.NotFoundError
	if !errors.As(err, &places) || len(places.Places) != 3 || !errors.As(err, &missing) {
		t.Errorf("the error is %v", err)
	}
	got.Name = ""
	if _, err = f.Open(t.Context(), got, l); !errors.As(err, &missing) {
		t.Errorf("the error is %v", err)
	}
}
