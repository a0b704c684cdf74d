package registrytest

import (
	"fmt"
	"math/rand"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pulpimg/pulpimg/pkg/publish"
)

func BenchmarkPublishUnchanged(b *testing.B) {
	for _, roles := range []int{3, 100} {
		b.Run(fmt.Sprintf("items=%d", roles+1), func(b *testing.B) {
			p := StartProxied(b)
			items := newFamily(b, p.Host, "1", roles, 1)
			mustPublish(b, items, publish.Options{})
			p.Forget()
			b.ResetTimer()
			for range b.N {
				mustPublish(b, items, publish.Options{})
			}
			b.ReportMetric(float64(len(p.Requests()))/float64(b.N), "requests/op")
		})
	}
}

// BenchmarkPublish sends a family of 200 MB from an OCI layout on disk, as a build leaves it, to a new registry.
func BenchmarkPublish(b *testing.B) {
	const mb = 1 << 20
	base := imageOf(b, empty.Image, 1, 100*mb, 50*mb, 20*mb)
	images := []v1.Image{base}
	for i := range 3 {
		images = append(images, imageOf(b, base, int64(i+2), 10*mb))
	}
	images = throughLayout(b, images)
	var wire, requests float64
	for range b.N {
		b.StopTimer()
		p := StartProxied(b)
		var items []publish.Item
		for i, image := range images {
			items = append(items, newItem(b, p.Host, fmt.Sprintf("image-%d", i), "1", image))
		}
		b.StartTimer()
		mustPublish(b, items, publish.Options{})
		b.StopTimer()
		for _, n := range p.BlobBytes() {
			wire += float64(n)
		}
		requests += float64(len(p.Requests()))
	}
	b.SetBytes(200 * mb)
	b.ReportMetric(wire/float64(b.N)/mb, "wire-MiB/op")
	b.ReportMetric(requests/float64(b.N), "requests/op")
}

// imageOf puts layers of random bytes on top of base.
func imageOf(b *testing.B, base v1.Image, seed int64, sizes ...int) v1.Image {
	b.Helper()
	source := rand.New(rand.NewSource(seed))
	for _, size := range sizes {
		content := make([]byte, size)
		source.Read(content)
		var err error
		if base, err = mutate.AppendLayers(base, static.NewLayer(content, types.OCILayer)); err != nil {
			b.Fatal(err)
		}
	}
	return base
}

func throughLayout(b *testing.B, images []v1.Image) []v1.Image {
	b.Helper()
	path, err := layout.Write(b.TempDir(), empty.Index)
	if err != nil {
		b.Fatal(err)
	}
	read := make([]v1.Image, len(images))
	for i, image := range images {
		digest, err := image.Digest()
		if err != nil {
			b.Fatal(err)
		}
		if err := path.AppendImage(image); err != nil {
			b.Fatal(err)
		}
		if read[i], err = path.Image(digest); err != nil {
			b.Fatal(err)
		}
	}
	return read
}
