package registrytest

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pulpimg/pulpimg/pkg/publish"
)

// sentOf returns how many bytes of some blobs were sent to a registry.
func sentOf(p *Proxy, blobs []v1.Hash) (sent int64) {
	for d, n := range p.BlobBytes() {
		if slices.ContainsFunc(blobs, func(h v1.Hash) bool { return h.String() == d }) {
			sent += n
		}
	}
	return sent
}

// sizeOf returns the size of the layers of an image.
func sizeOf(t *testing.T, image v1.Image) (size int64) {
	t.Helper()
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range manifest.Layers {
		size += layer.Size
	}
	return size
}

// reads matches requests that read a blob.
func reads(r Request) bool { return r.Method == http.MethodGet && r.IsBlob() }

// A base in the same registry is mounted, whether its layers are on this machine or not.
func TestPublish_mountsTheBase(t *testing.T) {
	for where, lazy := range map[string]bool{"layers on this machine": false, "layers in the registry alone": true} {
		t.Run(where, func(t *testing.T) {
			base := newOrigin(t, StartProxied(t), publish.Options{})
			whole := base.family(t, base.Host)
			items := withSource(base.family(t, base.Host), base.source(t))
			if lazy {
				items = without(base.family(t, base.Host), base.source(t))
			}
			preview, err := publish.Preview(t.Context(), items, publish.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var first publish.Progress
			result := mustPublish(t, items, publish.Options{Progress: func(p publish.Progress) {
				if first.TotalSize == 0 {
					first = p
				}
			}})
			if sent := sentOf(base.Proxy, base.layers(t)); sent != 0 || base.Count(reads) != 0 {
				t.Errorf("%d bytes of the base were sent, and %d blobs read", sent, base.Count(reads))
			}
			for i, item := range result.Items {
				if item.Mounted.Layers != 3+i || item.Pushed.Layers != 1 {
					t.Errorf("%s: %+v, want %d layers mounted and 1 pushed", item.Name, item, 3+i)
				}
			}
			if diff := cmp.Diff(preview, result, cmpopts.EquateComparable(name.Tag{})); diff != "" {
				t.Errorf("(-preview +publication):\n%s", diff)
			}
			if first.TotalSize != result.PushedBytes() {
				t.Errorf("%d bytes were expected, %d were sent", first.TotalSize, result.PushedBytes())
			}
			checkPublished(t, whole)
		})
	}
}

// Where the registry refuses the mount, the layers come from this machine, or else from where they are.
func TestPublish_refusedMountOfTheBase(t *testing.T) {
	for name, fault := range map[string]Fault{
		"an upload begins":     RefuseMount,
		"the user is unknown":  Answer(401, `{"errors":[{"code":"UNAUTHORIZED"}]}`),
		"the user may not":     Answer(403, `{"errors":[{"code":"DENIED"}]}`),
		"the repository is no": Answer(404, `{"errors":[{"code":"NAME_UNKNOWN"}]}`),
		"it is not supported":  Answer(405, `{"errors":[{"code":"UNSUPPORTED"}]}`),
		"it is a wrong query":  Answer(400, ""),
	} {
		for _, lazy := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", and they are streamed", false: ""}[lazy], func(t *testing.T) {
				base := newOrigin(t, StartProxied(t), publish.Options{})
				base.Spoil(-1, OfMount, fault)
				items := withSource(base.family(t, base.Host), base.source(t))
				if lazy {
					items = without(base.family(t, base.Host), base.source(t))
				}
				result := mustPublish(t, items, publish.Options{Backoff: quick(1)})
				var wire int64
				for _, n := range base.BlobBytes() {
					wire += n
				}
				if result.PushedBytes() != wire || sentOf(base.Proxy, base.layers(t)) != 2*sizeOf(t, base.base) {
					t.Errorf("the result speaks of %d bytes, %d crossed the wire", result.PushedBytes(), wire)
				}
				if got, want := base.Count(reads), map[bool]int{true: 6, false: 0}[lazy]; got != want {
					t.Errorf("%d blobs were read, want %d", got, want)
				}
				checkPublished(t, base.family(t, base.Host))
			})
		}
	}
}

// A layer that is in no repository of the registry is streamed from another registry, with the credentials for that one.
func TestPublish_streamsFromAnotherRegistry(t *testing.T) {
	here, there := user("cook", "pepper"), user("guest", "sugar")
	base := newOrigin(t, StartProxied(t, WithUser("guest", "sugar")), publish.Options{Keychain: there})
	p := StartProxied(t, WithUser("cook", "pepper"))
	items := without(base.family(t, p.Host), base.source(t))
	opts := publish.Options{Keychain: byHost{p.Host: here, base.Host: there}}
	preview, err := publish.Preview(t.Context(), items, opts)
	if err != nil {
		t.Fatal(err)
	}
	result := mustPublish(t, items, opts)
	if diff := cmp.Diff(preview, result, cmpopts.EquateComparable(name.Tag{})); diff != "" {
		t.Errorf("(-preview +publication):\n%s", diff)
	}
	if sent, size := sentOf(p, base.layers(t)), sizeOf(t, base.base); sent != size || base.Count(reads) != 3 {
		t.Errorf("%d bytes of the base were sent in %d pieces, want %d in 3", sent, base.Count(reads), size)
	}
	if first := result.Items[0]; first.Pushed.Layers != 4 || first.Mounted.Layers != 0 {
		t.Errorf("%+v, want 4 layers pushed", first)
	}
	if n := base.Count(func(r Request) bool { return r.Path == "/v2/" || r.Path == "" }); n != 1 {
		t.Errorf("the other registry was asked %d times what it is", n)
	}
	checkPublished(t, base.family(t, p.Host), remote.WithAuth(&authn.Basic{Username: "cook", Password: "pepper"}))
}

// byHost has credentials for registries.
type byHost map[string]authn.Keychain

// Resolve implements [authn.Keychain].
func (b byHost) Resolve(of authn.Resource) (authn.Authenticator, error) {
	return b[of.RegistryStr()].Resolve(of)
}

// Of several places, the first that gives a layer counts. What the others said is in the error if none does.
func TestPublish_placesInOrder(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(base origin)
		// says is what of the first place is in the error if there is no other one.
		says string
	}{
		{"the layer is gone", func(o origin) { o.Spoil(-1, ofReading, Answer(404, `{"errors":[{"code":"BLOB_UNKNOWN"}]}`)) }, "BLOB_UNKNOWN"},
		{"the user may not read it", func(o origin) { o.Spoil(-1, ofReading, Answer(403, `{"errors":[{"code":"DENIED"}]}`)) }, "wants credentials for"},
		{"the registry is down", func(o origin) { o.Spoil(-1, ofReading, Answer(503, "out of order")) }, "out of order"},
		{"it never answers", func(o origin) { o.Spoil(-1, func(*http.Request) bool { return true }, BreakAfter(0)) }, "cannot be reached"},
		{"another layer", func(o origin) { o.Spoil(-1, ofReading, OtherContent) }, "what is there has another digest, sha256:"},
		{"a longer layer", func(o origin) { o.Spoil(-1, ofReading, Longer(+1)) }, "and not the"},
		{"a shorter layer", func(o origin) { o.Spoil(-1, ofReading, Longer(-1)) }, "and not the"},
		{"a longer layer of a length that is not known", func(o origin) { o.Spoil(-1, ofReading, Chunked(Longer(+1))) }, "it is longer there"},
		{"a shorter layer of a length that is not known", func(o origin) { o.Spoil(-1, ofReading, Chunked(Longer(-1))) }, "it ends there after"},
		{"an answer that is cut", func(o origin) { o.Spoil(-1, ofReading, CutAnswer(layerSize/2)) }, "EOF (tried 2 times)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			first := newOrigin(t, StartProxied(t), publish.Options{})
			second := newOrigin(t, StartProxied(t), publish.Options{})
			test.spoil(first)

			p := StartProxied(t)
			items := without(first.family(t, p.Host), sourceOf(t, first.base, first.repo.Name()))
			_, err := publish.Publish(t.Context(), items, publish.Options{Backoff: quick(2)})
			var failure *publish.LayerError
			var upload *publish.UploadError
			if !errors.As(err, &failure) || !errors.As(err, &upload) {
				t.Fatalf("the error is %v, want a *LayerError in an *UploadError", err)
			}
			if failure.Image != "inner" || !slices.Contains(first.layers(t), failure.Layer) || len(failure.Sources) != 1 ||
				failure.Sources[0] != items[0].Sources[0].References[0] || !strings.Contains(failure.Error(), test.says) {
				t.Errorf("%+v\nsays %v, want %q", failure, failure, test.says)
			}
			if strings.Contains(failure.Error(), p.Host) {
				t.Errorf("%v: the registry that the layer goes to is blamed", failure)
			}
			checkNoTag(t, items)
			for _, r := range p.Requests() {
				if r.Method != http.MethodPut || !r.IsBlob() {
					continue
				}
				if size, ok := blobSizes(t, first.base)[r.Query["digest"][0]]; ok && (r.Status == http.StatusCreated || r.Body >= size) {
					t.Errorf("the registry got all of a layer that nobody has: %+v", r)
				}
			}

			items = without(first.family(t, p.Host), sourceOf(t, first.base, first.repo.Name(), second.repo.Name()))
			mustPublish(t, items, publish.Options{Backoff: quick(2)})
			if n := second.Count(reads); n != 3 {
				t.Errorf("%d layers were read at the second place", n)
			}
			checkPublished(t, first.family(t, p.Host))
		})
	}
}

// A layer that is neither here nor anywhere is an error that names it.
func TestPublish_layerWithoutSource(t *testing.T) {
	p := StartProxied(t)
	base := origin{Proxy: p, base: newBase(t, 1, layerSize, 7)}
	items := without(base.family(t, p.Host), sourceOf(t, base.base))
	_, err := publish.Publish(t.Context(), items, publish.Options{})
	var failure *publish.LayerError
	if !errors.As(err, &failure) || failure.Image != "inner" || failure.Layer != base.layers(t)[0] || len(failure.Sources) != 0 {
		t.Errorf("the error is %v, want a *LayerError without sources", err)
	}
	checkNoTag(t, items)
}

// What breaks on the way is repeated from the first byte, whichever side it was.
func TestPublish_brokenStreams(t *testing.T) {
	for name, spoil := range map[string]func(from, to *Proxy){
		"the source breaks":            func(from, _ *Proxy) { from.Spoil(2, ofReading, CutAnswer(layerSize/2)) },
		"the source breaks at the end": func(from, _ *Proxy) { from.Spoil(2, ofReading, CutAnswer(layerSize-1)) },
		"the source is busy":           func(from, _ *Proxy) { from.Spoil(2, ofReading, Answer(503, "")) },
		"the registry breaks":          func(_, to *Proxy) { to.Spoil(2, OfBlob(""), BreakAfter(layerSize/2)) },
		"the registry is busy":         func(_, to *Proxy) { to.Spoil(2, OfBlob(""), Answer(503, "")) },
		"the registry forgets the upload": func(_, to *Proxy) {
			to.Spoil(1, OfBlob(""), Answer(404, `{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}`))
		},
		"the registry's answer is lost": func(_, to *Proxy) { to.Spoil(2, OfBlob(""), LoseAnswer) },
		"both break": func(from, to *Proxy) {
			from.Spoil(1, ofReading, CutAnswer(10))
			to.Spoil(1, OfBlob(""), BreakAfter(10))
		},
		"the registry is busy with mounts": func(_, to *Proxy) { to.Spoil(2, OfMount, Answer(503, "")) },
	} {
		t.Run(name, func(t *testing.T) {
			base := newOrigin(t, StartProxied(t), publish.Options{})
			p := StartProxied(t)
			spoil(base.Proxy, p)
			items := without(base.family(t, p.Host), base.source(t))
			mustPublish(t, items, publish.Options{Backoff: quick(4)})
			for _, f := range append(base.faults, p.faults...) {
				if f.times != 0 {
					t.Error("the fault did not come up")
				}
			}
			checkPublished(t, base.family(t, p.Host))
		})
	}
}

// A mount needs a token that allows to pull from the other repository, and a stream one for that repository alone.
func TestTokens_ofSources(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(*Proxy)
		want  []string
	}{
		{"mounted", func(*Proxy) {}, []string{
			"repository:pulp/inner:push,pull",
			"repository:pulp/inner:push,pull repository:pulp/outer:pull",
		}},
		{"streamed", func(p *Proxy) { p.Spoil(-1, OfMount, RefuseMount) }, []string{
			"repository:pulp/inner:push,pull",
			"repository:pulp/inner:push,pull repository:pulp/outer:pull",
			"repository:pulp/outer:pull",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := NewTokenServer(t, "cook", "pepper")
			opts := publish.Options{Keychain: user("cook", "pepper")}
			base := newOrigin(t, startWithTokens(t, server), opts)
			test.spoil(base.Proxy)
			before := len(server.Scopes())
			items := without(base.family(t, base.Host)[:1], base.source(t))
			mustPublish(t, items, opts)
			got := server.Scopes()[before:]
			slices.Sort(got)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("scopes (-want +got):\n%s", diff)
			}
			checkPublished(t, base.family(t, base.Host)[:1], remote.WithAuth(&authn.Basic{Username: "cook", Password: "pepper"}))
		})
	}
}

// A preview does not take a place for granted that does not have the layers.
func TestPreview_baseThatIsGone(t *testing.T) {
	p := StartProxied(t)
	base := origin{Proxy: p, base: newBase(t, 3, layerSize, 7)}
	items := withSource(base.family(t, p.Host), sourceOf(t, base.base, p.Host+"/pulp/none"))
	preview, err := publish.Preview(t.Context(), items, publish.Options{})
	if err != nil {
		t.Fatal(err)
	}
	result := mustPublish(t, items, publish.Options{})
	if diff := cmp.Diff(preview, result, cmpopts.EquateComparable(name.Tag{})); diff != "" || preview.Items[0].Pushed.Layers != 4 {
		t.Errorf("%+v (-preview +publication):\n%s", preview.Items[0], diff)
	}
}

// With every quirk of a registry, a base of its own is complete in the end, and so is one that has to be streamed.
func TestPublish_quirksOfSources(t *testing.T) {
	for _, line := range harmless() {
		for _, quirk := range line {
			t.Run(string(quirk), func(t *testing.T) {
				t.Parallel()
				q := NewQuirky(t, quirk)
				base := newBase(t, 2, 1<<10, 1)
				mustPublish(t, []publish.Item{newItem(t, q.Host, "outer", "1", base)}, q.options())
				family := func() []publish.Item {
					return []publish.Item{newItem(t, q.Host, "role", "1", newRole(t, base, "role", 2))}
				}
				result, err := publish.Publish(t.Context(), without(family(), sourceOf(t, base, q.Host+"/pulp/outer")), q.options())
				if err != nil {
					t.Fatalf("publishing: %v\n%s", err, strings.Join(q.Requests(), "\n"))
				}
				refuses := []Quirk{NoMount, MountDenied, RefusedMountScope, RefusedMountScope401, LastScope}
				if want := map[bool]int{true: 0, false: 2}[slices.Contains(refuses, quirk)]; result.Items[0].Mounted.Layers != want {
					t.Errorf("%d layers were mounted, want %d", result.Items[0].Mounted.Layers, want)
				}
				checkAudit(t, q, family())
			})
		}
	}
}

// ofReading matches requests that read a blob.
func ofReading(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/sha256:")
}

// What was published under another name before is mounted from there, also if no base has it.
func TestImages_mountWhatWasPublished(t *testing.T) {
	base := newOrigin(t, StartProxied(t), publish.Options{})
	in, images := lazyLayout(t, base.base, base.family(t, base.Host), base.repo.Name())
	if _, err := publish.Images(t.Context(), in, images, publish.Options{}); err != nil {
		t.Fatal(err)
	}
	for i := range images {
		images[i].Sources = nil
		images[i].References = []string{strings.Replace(images[i].References[0], "/pulp/", "/other/", 1)}
	}
	items, err := publish.Items(in, images)
	if err != nil {
		t.Fatal(err)
	}
	preview, err := publish.Preview(t.Context(), items, publish.Options{})
	if err != nil {
		t.Fatal(err)
	}
	result, err := publish.Images(t.Context(), in, images, publish.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range result.Items {
		if item.Pushed.Layers != 0 || item.Mounted.Layers == 0 || item.Present {
			t.Errorf("%s: %+v, want all layers mounted", item.Reference, item)
		}
	}
	if diff := cmp.Diff(preview, result, cmpopts.EquateComparable(name.Tag{})); diff != "" {
		t.Errorf("(-preview +publication):\n%s", diff)
	}
}
