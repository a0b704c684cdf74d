package registrytest

import (
	"fmt"
	"math/rand"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/pulpimg/pulpimg/pkg/publish"
)

const layerSize = 64 << 10

// newFamily makes a base of three layers and roles with one layer more each. The same seed makes the same family.
func newFamily(t testing.TB, host, tag string, roles int, seed int64) []publish.Item {
	t.Helper()
	base := newBase(t, 3, layerSize, seed)
	items := []publish.Item{newItem(t, host, "base", tag, base)}
	for i := range roles {
		role := newRole(t, base, fmt.Sprintf("role-%d", i+1), seed*1000+int64(i))
		items = append(items, newItem(t, host, fmt.Sprintf("role-%d", i+1), tag, role))
	}
	return items
}

func newItem(t testing.TB, host, repo, tag string, content publish.Content) publish.Item {
	t.Helper()
	ref, err := name.NewTag(host + "/pulp/" + repo + ":" + tag)
	if err != nil {
		t.Fatal(err)
	}
	return publish.Item{Name: repo, Reference: ref, Content: content}
}

func newBase(t testing.TB, layers int, size, seed int64) v1.Image {
	t.Helper()
	image, err := random.Image(size, int64(layers), random.WithSource(rand.NewSource(seed)))
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func newRole(t testing.TB, base v1.Image, role string, seed int64) v1.Image {
	t.Helper()
	layer, err := random.Layer(layerSize, types.DockerLayer, random.WithSource(rand.NewSource(seed)))
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.AppendLayers(base, layer)
	if err != nil {
		t.Fatal(err)
	}
	image, err = mutate.Config(image, v1.Config{Cmd: []string{"/run.sh"}, Labels: map[string]string{"role": role}})
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// newIndex makes an index of one image for each of two platforms.
func newIndex(t testing.TB, amd64, arm64 v1.Image) v1.ImageIndex {
	t.Helper()
	amd64, arm64 = onPlatform(t, amd64, "amd64"), onPlatform(t, arm64, "arm64")
	return mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: amd64, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: arm64, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}}},
	)
}

func onPlatform(t testing.TB, image v1.Image, architecture string) v1.Image {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", architecture
	image, err = mutate.ConfigFile(image, config)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// blobSizes lists the blobs of images, each once.
func blobSizes(t testing.TB, images ...v1.Image) map[string]int64 {
	t.Helper()
	sizes := make(map[string]int64)
	for _, image := range images {
		m, err := image.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range append([]v1.Descriptor{m.Config}, m.Layers...) {
			sizes[d.Digest.String()] = d.Size
		}
	}
	return sizes
}

func imagesOf(items []publish.Item) []v1.Image {
	var images []v1.Image
	for _, item := range items {
		images = append(images, item.Content.(v1.Image))
	}
	return images
}

// checkPublished pulls what each tag points to with another client, and has every digest and size recomputed.
func checkPublished(t *testing.T, items []publish.Item, opts ...remote.Option) {
	t.Helper()
	for _, item := range items {
		want, err := item.Content.Digest()
		if err != nil {
			t.Fatal(err)
		}
		d, err := remote.Get(item.Reference, opts...)
		if err != nil {
			t.Errorf("%s cannot be pulled: %v", item.Name, err)
			continue
		}
		if d.Digest != want {
			t.Errorf("%s points to %s, want %s", item.Reference, d.Digest, want)
		}
		if err := validateDescriptor(d); err != nil {
			t.Errorf("%s is not whole: %v", item.Reference, err)
		}
	}
}

func validateDescriptor(d *remote.Descriptor) error {
	if d.MediaType.IsIndex() {
		index, err := d.ImageIndex()
		if err != nil {
			return err
		}
		return validate.Index(index)
	}
	image, err := d.Image()
	if err != nil {
		return err
	}
	return validate.Image(image)
}

// checkNoTag fails if any of the items can be pulled by its tag.
func checkNoTag(t *testing.T, items []publish.Item) {
	t.Helper()
	for _, item := range items {
		if _, err := remote.Head(item.Reference); err == nil {
			t.Errorf("%s was moved", item.Reference)
		}
	}
}
