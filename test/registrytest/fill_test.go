package registrytest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	ggcrlayout "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/layout"
	"github.com/pulpimg/pulpimg/pkg/publish"
)

// lazyLayout is a layout with a family whose layers of the base are elsewhere.
func lazyLayout(t *testing.T, base v1.Image, items []publish.Item, places ...string) (*layout.Layout, []layout.Image) {
	t.Helper()
	in, err := layout.Open(t.Context(), filepath.Join(t.TempDir(), "layout"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	})
	elsewhere := sourceOf(t, base, places...)
	var images []layout.Image
	for _, item := range items {
		desc := writeImage(t, in, item.Content.(v1.Image), elsewhere)
		image, err := in.Combine(item.Name, []string{item.Reference.Name()}, []ocispec.Descriptor{desc}, nil)
		if err != nil {
			t.Fatal(err)
		}
		image.Sources = []layout.Source{elsewhere}
		images = append(images, image)
	}
	if _, err := in.Add(t.Context(), layout.Build{Images: images}); err != nil {
		t.Fatal(err)
	}
	return in, images
}

// writeImage writes an image into a layout, but for the layers that are elsewhere.
func writeImage(t *testing.T, in *layout.Layout, image v1.Image, elsewhere layout.Source) ocispec.Descriptor {
	t.Helper()
	must := func(data []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	write := func(mediaType string, data []byte) ocispec.Descriptor {
		t.Helper()
		desc, err := in.Blobs().Write(mediaType, data)
		if err != nil {
			t.Fatal(err)
		}
		return desc
	}
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range layers {
		d, err := layer.Digest()
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := elsewhere.Layers[digest.Digest(d.String())]; ok {
			continue
		}
		content, err := layer.Compressed()
		if err != nil {
			t.Fatal(err)
		}
		write(ocispec.MediaTypeImageLayer, must(io.ReadAll(content)))
	}
	write(ocispec.MediaTypeImageConfig, must(image.RawConfigFile()))
	mediaType, err := image.MediaType()
	if err != nil {
		t.Fatal(err)
	}
	return write(string(mediaType), must(image.RawManifest()))
}

// checkWhole has another program check that an image is in a layout with all of its layers.
func checkWhole(t *testing.T, in *layout.Layout, images []layout.Image) {
	t.Helper()
	for _, image := range images {
		hash, err := v1.NewHash(image.Descriptor.Digest.String())
		if err != nil {
			t.Fatal(err)
		}
		read, err := ggcrlayout.Path(in.Dir()).Image(hash)
		if err == nil {
			err = validate.Image(read)
		}
		if err != nil {
			t.Errorf("%s is not whole: %v", image.Name, err)
		}
	}
}

// The images of a layout are published without the layers that are elsewhere, and what was published is recorded.
func TestImages_lazy(t *testing.T) {
	base := newOrigin(t, StartProxied(t), publish.Options{})
	in, images := lazyLayout(t, base.base, base.family(t, base.Host), base.repo.Name())
	result, err := publish.Images(t.Context(), in, images, publish.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if sent := sentOf(base.Proxy, base.layers(t)); sent != 0 || result.Items[0].Mounted.Layers != 3 || result.Items[1].Mounted.Layers != 4 {
		t.Errorf("%+v: %d bytes of the base were sent", result.Items, sent)
	}
	if missing, err := in.Missing(images[0]); err != nil || len(missing) != 3 {
		t.Errorf("the layers of the base came here: %v are missing (%v)", missing, err)
	}
	if published, err := in.Published(); err != nil || len(published) != 2 {
		t.Errorf("recorded is %v, %v", published, err)
	}
	checkPublished(t, base.family(t, base.Host))
}

// A layer that is cut short on this machine is not here.
func TestImages_truncatedLayer(t *testing.T) {
	base := newOrigin(t, StartProxied(t), publish.Options{})
	p := StartProxied(t)
	in, images := lazyLayout(t, base.base, base.family(t, p.Host), base.repo.Name())
	cut := in.Blobs().Path(digest.Digest(base.layers(t)[0].String()))
	if err := os.WriteFile(cut, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := publish.Images(t.Context(), in, images, publish.Options{}); err != nil {
		t.Fatal(err)
	}
	checkPublished(t, base.family(t, p.Host))
	if err := publish.Fill(t.Context(), in, images, publish.Options{}); err != nil {
		t.Fatal(err)
	}
	checkWhole(t, in, images)
}

// What is missing is downloaded once, and nothing else.
func TestFill(t *testing.T) {
	base := newOrigin(t, StartProxied(t), publish.Options{})
	in, images := lazyLayout(t, base.base, base.family(t, base.Host), base.repo.Name())
	states := map[publish.State]int{}
	var last publish.Progress
	opts := publish.Options{Progress: func(p publish.Progress) { states[p.State]++; last = p }}
	if err := publish.Fill(t.Context(), in, images, opts); err != nil {
		t.Fatal(err)
	}
	checkWhole(t, in, images)
	if size := sizeOf(t, base.base); last.TotalSent != size || last.TotalSize != size || states[publish.Downloaded] != 3 || states[publish.Uploading] != 0 {
		t.Errorf("the last report was of %d of %d bytes, want %d; %v", last.TotalSent, last.TotalSize, size, states)
	}
	if n := base.Count(reads); n != 3 {
		t.Errorf("%d layers were read", n)
	}
	base.Forget()
	if err := publish.Fill(t.Context(), in, images, publish.Options{}); err != nil || len(base.Requests()) != 0 {
		t.Errorf("a second time, %v are asked for (%v)", base.Requests(), err)
	}
	dir := filepath.Join(t.TempDir(), "oci")
	if err := in.Merge(t.Context(), images, dir); err != nil {
		t.Error(err)
	}
}

// No more layers are downloaded at once than is asked for.
func TestFill_isBounded(t *testing.T) {
	p := StartProxied(t)
	outer := newBase(t, 12, 1<<10, 7)
	mustPublish(t, []publish.Item{newItem(t, p.Host, "outer", "1", outer)}, publish.Options{})
	in, images := lazyLayout(t, outer, []publish.Item{newItem(t, p.Host, "role", "1", newRole(t, outer, "role", 8))}, p.Host+"/pulp/outer")
	var now, most atomic.Int32
	p.Spoil(-1, ofReading, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		n := now.Add(1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		next.ServeHTTP(w, r)
		now.Add(-1)
	})
	if err := publish.Fill(t.Context(), in, images, publish.Options{Jobs: 3}); err != nil {
		t.Fatal(err)
	}
	if n := most.Load(); n > 3 || n < 2 {
		t.Errorf("%d layers were downloaded at once, want up to 3", n)
	}
	checkWhole(t, in, images)
}

func TestFill_placesInOrder(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault Fault
		says  string
	}{
		{"it is gone", Answer(404, `{"errors":[{"code":"BLOB_UNKNOWN"}]}`), "BLOB_UNKNOWN"},
		{"another layer", OtherContent, "what is there has another digest"},
		{"it is cut", CutAnswer(100), "EOF (tried 2 times)"},
		{"it is longer", Chunked(Longer(1)), "it is longer there"},
	} {
		t.Run(test.name, func(t *testing.T) {
			first, second := newOrigin(t, StartProxied(t), publish.Options{}), newOrigin(t, StartProxied(t), publish.Options{})
			first.Spoil(-1, ofReading, test.fault)
			in, images := lazyLayout(t, first.base, first.family(t, first.Host), first.repo.Name())
			err := publish.Fill(t.Context(), in, images, publish.Options{Backoff: quick(2)})
			var failure *publish.LayerError
			if !errors.As(err, &failure) || failure.Image != "inner" || len(failure.Sources) != 1 || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("the error is %v, want a *LayerError that says %q", err, test.says)
			}
			if missing, err := in.Missing(images[0]); err != nil || len(missing) != 3 {
				t.Errorf("missing are %v, %v", missing, err)
			}
			in, images = lazyLayout(t, first.base, first.family(t, first.Host), first.repo.Name(), second.repo.Name())
			if err := publish.Fill(t.Context(), in, images, publish.Options{Backoff: quick(2)}); err != nil {
				t.Fatal(err)
			}
			checkWhole(t, in, images)
		})
	}
}

func TestFill_repeats(t *testing.T) {
	base := newOrigin(t, StartProxied(t), publish.Options{})
	base.Spoil(2, ofReading, CutAnswer(layerSize/2))
	base.Spoil(1, ofReading, Answer(503, ""))
	in, images := lazyLayout(t, base.base, base.family(t, base.Host), base.repo.Name())
	if err := publish.Fill(t.Context(), in, images, publish.Options{Backoff: quick(4)}); err != nil {
		t.Fatal(err)
	}
	checkWhole(t, in, images)
}

// Neither a stream nor a download holds a layer in memory.
func TestSources_memory(t *testing.T) {
	const size, most = 64 << 20, 16 << 20
	from := StartProxied(t)
	outer := newBase(t, 1, size, 7)
	mustPublish(t, []publish.Item{newItem(t, from.Host, "outer", "1", outer)}, publish.Options{})
	role := func(host string) []publish.Item {
		return []publish.Item{newItem(t, host, "role", "1", newRole(t, outer, "role", 8))}
	}
	p := StartProxied(t)
	streamed := without(role(p.Host), sourceOf(t, outer, from.Host+"/pulp/outer"))
	in, images := lazyLayout(t, outer, role(from.Host), from.Host+"/pulp/outer")
	for name, do := range map[string]func() error{
		"stream": func() error {
			_, err := publish.Publish(t.Context(), streamed, publish.Options{})
			return err
		},
		"download": func() error { return publish.Fill(t.Context(), in, images, publish.Options{}) },
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := do(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > most {
			t.Errorf("%s: %d bytes were allocated for a layer of %d, the registries' own included", name, n, size)
		}
	}
	if sentOf(p, origin{base: outer}.layers(t)) < size {
		t.Error("the layer was not streamed")
	}
}

func TestFill_cancelled(t *testing.T) {
	base := newOrigin(t, StartProxied(t), publish.Options{})
	begun := make(chan struct{}, 10)
	base.Spoil(-1, ofReading, Hang(begun))
	in, images := lazyLayout(t, base.base, base.family(t, base.Host), base.repo.Name())
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-begun
		cancel()
	}()
	if err := publish.Fill(ctx, in, images, publish.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v, want %v", err, context.Canceled)
	}
	base.Heal()
	if err := publish.Fill(t.Context(), in, images, publish.Options{}); err != nil {
		t.Fatal(err)
	}
	checkWhole(t, in, images)
}
