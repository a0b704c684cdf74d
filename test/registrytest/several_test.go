package registrytest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pulpimg/pulpimg/pkg/layout"
	"github.com/pulpimg/pulpimg/pkg/publish"
)

// release is the pattern of tags that are never moved.
const release = "[0-9]*.[0-9]*.[0-9]*"

// variants is a base and two images that share a repository, each under several tags in each registry: a release's own and others that move.
func variants(t testing.TB, hosts []string, version string, seed int64) []publish.Item {
	t.Helper()
	base := newBase(t, 2, 1<<10, seed)
	images := []struct {
		name, repo, suffix string
		image              v1.Image
	}{
		{"base", "base", "", base},
		{"python311", "app", "-python311", newRole(t, base, "python311", seed+1)},
		{"python312", "app", "-python312", newRole(t, base, "python312", seed+2)},
	}
	var items []publish.Item
	for _, image := range images {
		for _, host := range hosts {
			for _, tag := range []string{version, "1.0", "latest"} {
				item := newItem(t, host, image.repo, tag+image.suffix, image.image)
				item.Name = image.name
				items = append(items, item)
			}
		}
	}
	return items
}

// registry is one of several registries: a quirky one behind a proxy.
type registry struct {
	*Proxy
	*Quirky
}

func newRegistry(t testing.TB, quirks ...Quirk) registry {
	t.Helper()
	q := NewQuirky(t, append(quirks, Plain)...)
	return registry{NewProxy(t, func(string) http.Handler { return q }), q}
}

func hostsOf(registries []registry) []string {
	var hosts []string
	for _, r := range registries {
		hosts = append(hosts, r.Proxy.Host)
	}
	return hosts
}

// parts splits an item's reference, and returns its digest.
func parts(t testing.TB, item publish.Item) (repo, tag, digest string) {
	t.Helper()
	d, err := item.Content.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return item.Reference.RepositoryStr(), item.Reference.TagStr(), d.String()
}

// inPlace returns the references that point to their images, as the registries have them.
func inPlace(t testing.TB, registries []registry, items []publish.Item) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for _, item := range items {
		repo, tag, digest := parts(t, item)
		for _, r := range registries {
			if r.Proxy.Host == item.Reference.RegistryStr() {
				tags, _ := r.Audit([]string{repo + ":" + tag})
				out[item.Reference.Name()] = tags[repo+":"+tag] == digest
			}
		}
	}
	return out
}

// watchTags reports a tag that moves while a registry lacks an image of the family, and one that is moved before an immutable one is in place.
func watchTags(t testing.TB, registries []registry, items []publish.Item) {
	for _, r := range registries {
		r.Watch(func(req *http.Request) {
			if !(Request{Method: req.Method, Path: req.URL.Path}).StoresTag() {
				return
			}
			for _, item := range items {
				repo, _, digest := parts(t, item)
				for _, other := range registries {
					if !other.Holds(repo, digest) {
						t.Errorf("%s: %s lacks %s@%s", req.URL.Path, other.Proxy.Host, repo, digest)
					}
				}
			}
			if tag := req.URL.Path[strings.LastIndexByte(req.URL.Path, '/')+1:]; strings.HasPrefix(tag, "1.0.") {
				return
			}
			for ref, ok := range inPlace(t, registries, items) {
				if strings.Contains(ref, ":1.0.") && !ok {
					t.Errorf("%s is moved before %s", req.URL.Path, ref)
				}
			}
		})
	}
}

// place is a kind of request that may fail.
type place struct {
	name  string
	match func(Request) bool
	tag   bool // it sets a tag
}

func places() []place {
	return []place{
		{"asking for a tag", func(r Request) bool { return r.Method == http.MethodHead && !r.IsBlob() }, false},
		{"reading a tag", func(r Request) bool { return r.Method == http.MethodGet && strings.Contains(r.Path, "/manifests/") }, false},
		{"asking for a blob", func(r Request) bool { return r.Method == http.MethodHead && r.IsBlob() }, false},
		{"beginning an upload", func(r Request) bool { return r.Method == http.MethodPost }, false},
		{"a blob", func(r Request) bool { return r.Method == http.MethodPut && r.IsBlob() }, false},
		{"a manifest", Request.StoresByDigest, false},
		{"a tag", Request.StoresTag, true},
		{"a release's tag", func(r Request) bool { return r.StoresTag() && strings.Contains(r.Path, "/1.0.") }, true},
	}
}

// failing is a way to fail.
type failing struct {
	name  string
	fault Fault
	times int  // how many requests it lasts
	tags  bool // it is for tags alone: nothing shows a client that what it stored by digest is not there
}

func failings() []failing {
	const ever = 1 << 30
	return []failing{
		{"503 once", Answer(503, ""), 1, false},
		{"503 from then on", Answer(503, ""), ever, false},
		{"400 once", Answer(400, `{"errors":[{"code":"TAG_INVALID","message":"no"}]}`), 1, false},
		{"403 from then on", Answer(403, `{"errors":[{"code":"DENIED","message":"no"}]}`), ever, false},
		{"a broken connection from then on", BreakAfter(0), ever, false},
		{"a lost answer", LoseAnswer, 1, false},
		{"lost answers from then on", LoseAnswer, ever, false},
		{"201 and nothing done, once", Answer(201, ""), 1, true},
		{"201 and nothing done, from then on", Answer(201, ""), ever, true},
	}
}

// Whatever fails, and wherever: no tag moves in any registry before all images are in all of them, and what is not in place at the end is in
// the error.
func TestPublish_severalRegistriesAreOnePublication(t *testing.T) {
	rounds := 0
	var ended [4]atomic.Int32 // well, before, in, and after the uploads
	t.Run("faults", func(t *testing.T) {
		for _, place := range places() {
			for _, failing := range failings() {
				if failing.tags && !place.tag {
					continue
				}
				for _, first := range []int{0, 5} {
					at := rounds % 2 // of both registries in turn
					rounds++
					t.Run(fmt.Sprintf("%s after %d of %s in registry %d", failing.name, first, place.name, at), func(t *testing.T) {
						t.Parallel()
						ended[publishThrough(t, place, failing, first, at, false)].Add(1)
					})
				}
			}
		}
	})
	if rounds < 100 {
		t.Errorf("there were %d rounds", rounds)
	}
	for i := range ended {
		if ended[i].Load() < 5 {
			t.Errorf("only %d publications ended in the way %d", ended[i].Load(), i)
		}
	}
}

// The same holds for a family whose base is not on this machine.
func TestPublish_severalRegistriesAndALazyBase(t *testing.T) {
	var rounds int
	var ended [4]atomic.Int32
	t.Run("faults", func(t *testing.T) {
		for _, place := range places() {
			for _, failing := range failings() {
				if failing.tags && !place.tag {
					continue
				}
				at, first := rounds%2, rounds%3
				rounds++
				t.Run(fmt.Sprintf("%s after %d of %s in registry %d", failing.name, first, place.name, at), func(t *testing.T) {
					t.Parallel()
					ended[publishThrough(t, place, failing, first, at, true)].Add(1)
				})
			}
		}
	})
	for i := range ended {
		if ended[i].Load() < 3 {
			t.Errorf("only %d publications of %d ended in the way %d", ended[i].Load(), rounds, i)
		}
	}
}

// from publishes an image in a registry of its own, and says that its layers are there.
func from(t *testing.T, image v1.Image) layout.Source {
	t.Helper()
	r := newRegistry(t)
	mustPublish(t, []publish.Item{newItem(t, r.Proxy.Host, "outer", "1", image)}, publish.Options{})
	return sourceOf(t, image, r.Proxy.Host+"/pulp/outer")
}

// publishThrough publishes a new version of a family while requests fail, and reports how that ended. The base of a lazy one is in a third
// registry.
func publishThrough(t *testing.T, place place, failing failing, first, at int, lazy bool) (ended int) {
	registries := []registry{newRegistry(t), newRegistry(t)}
	hosts := hostsOf(registries)
	opts := publish.Options{Backoff: quick(2), Immutable: []string{release}}
	former := variants(t, hosts, "1.0.3", 1)
	mustPublish(t, former, opts)
	items := variants(t, hosts, "1.0.4", 10)
	if lazy {
		items = without(items, from(t, items[0].Content.(v1.Image)))
	}
	watchTags(t, registries, items)
	var seen atomic.Int32
	registries[at].Spoil(failing.times, func(r *http.Request) bool {
		return place.match(Request{Method: r.Method, Path: strings.TrimPrefix(r.URL.Path, "/v2/"), Query: r.URL.Query()}) && int(seen.Add(1)) > first
	}, failing.fault)
	_, err := publish.Publish(t.Context(), items, opts)

	there := inPlace(t, registries, items)
	var (
		upload *publish.UploadError
		tags   *publish.TagError
	)
	switch {
	case err == nil:
		checkReported(t, there, nil)
		return 0
	case errors.As(err, &tags):
		checkReported(t, there, tags)
		return 3
	case errors.As(err, &upload):
		ended = 2
	default:
		ended = 1
	}
	for ref, ok := range there {
		if ok {
			t.Errorf("%s was moved, and the error is %v", ref, err)
		}
	}
	for ref, ok := range inPlace(t, registries, former) {
		if !ok {
			t.Errorf("%s is not what it was, and the error is %v", ref, err)
		}
	}
	return ended
}

// checkReported compares which tags are in place with what an error says of them. Without an error, all are.
func checkReported(t *testing.T, there map[string]bool, failure *publish.TagError) {
	t.Helper()
	said := map[string]string{}
	if failure != nil {
		for _, tag := range failure.Moved {
			said[tag.Name()] = "moved"
		}
		for _, f := range failure.NotMoved {
			said[f.Tag.Name()] = "not moved"
		}
		for _, f := range failure.Unknown {
			said[f.Tag.Name()] = "unknown"
		}
		for _, d := range failure.Differ {
			said[d.Tag.Name()] = "not moved"
		}
		if len(said) != len(there) {
			t.Errorf("the error is about %d tags of %d", len(said), len(there))
		}
	}
	for ref, ok := range there {
		switch how := said[ref]; {
		case failure == nil && !ok, how == "moved" && !ok, how == "not moved" && ok:
			t.Errorf("%s is in place: %v, and it is reported as %q: %v", ref, ok, how, failure)
		}
	}
}

// Further tags of an image cost their own requests and no others.
func TestPublish_severalTagsCostNoBlobs(t *testing.T) {
	count := func(tags ...string) (blobs, manifests int) {
		p := StartProxied(t)
		base := newBase(t, 3, layerSize, 1)
		var items []publish.Item
		for _, tag := range tags {
			items = append(items, newItem(t, p.Host, "base", tag, base))
		}
		mustPublish(t, items, publish.Options{})
		asked := p.Count(func(r Request) bool {
			return r.Method == http.MethodHead && strings.Contains(r.Path, "/manifests/sha256:")
		})
		blobs, manifests = p.Count(Request.IsBlob), p.Count(Request.StoresByDigest)+asked
		checkPublished(t, items)
		return blobs, manifests
	}
	blobs, manifests := count("1")
	moreBlobs, moreManifests := count("1", "2", "3")
	if blobs != moreBlobs || manifests != moreManifests {
		t.Errorf("one tag costs %d requests for blobs and %d for manifests, three cost %d and %d", blobs, manifests, moreBlobs, moreManifests)
	}
}

// What is missing says where.
func TestPublish_failureNamesTheRegistry(t *testing.T) {
	registries := []registry{newRegistry(t), newRegistry(t)}
	hosts := hostsOf(registries)
	registries[1].Spoil(-1, OfBlob("pulp/app"), Answer(400, "no"))
	_, err := publish.Publish(t.Context(), variants(t, hosts, "1.0.3", 1), publish.Options{Backoff: quick(1)})
	var failure *publish.UploadError
	if !errors.As(err, &failure) {
		t.Fatalf("the error is %v, want an *UploadError", err)
	}
	want := "python311 in " + hosts[1] + "/pulp/app"
	if !strings.Contains(err.Error(), want) || len(failure.Uploaded)+len(failure.Missing) != 6 {
		t.Errorf("%v: want %q, and each image once for each registry", err, want)
	}
}
