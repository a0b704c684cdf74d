package registrytest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/pkg/publish"
)

// withDeletion lets a registry remove tags and manifests.
func withDeletion(_ testing.TB, c *configuration.Configuration) {
	c.Storage["delete"] = configuration.Parameters{"enabled": true}
}

// removalsOf are the tags of items, as they are.
func removalsOf(t *testing.T, items ...publish.Item) []publish.Removal {
	t.Helper()
	out := make([]publish.Removal, len(items))
	for i, item := range items {
		sum, err := item.Content.Digest()
		if err != nil {
			t.Fatal(err)
		}
		out[i] = publish.Removal{Reference: item.Reference.Name(), Digest: digest.Digest(sum.String())}
	}
	return out
}

// tagsOf lists the tags of the repository of an item.
func tagsOf(t *testing.T, item publish.Item, opts publish.Options) []string {
	t.Helper()
	reader, err := publish.NewReader(opts)
	if err != nil {
		t.Fatal(err)
	}
	tags, err := reader.Tags(t.Context(), item.Reference.Repository.Name())
	if err != nil {
		t.Fatal(err)
	}
	return tags
}

func TestRemoveTags(t *testing.T) {
	// byDigest refuses to remove tags, as a registry that removes manifests by digest alone.
	byDigest := func(p *Proxy) {
		p.Spoil(-1, func(r *http.Request) bool {
			return r.Method == http.MethodDelete && !strings.Contains(r.URL.Path, "sha256:")
		},
			func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
				w.WriteHeader(http.StatusMethodNotAllowed)
			})
	}
	for _, test := range []struct {
		name  string
		opts  []Option
		spoil func(*Proxy)
		want  []string
		err   string
	}{
		{"tags", []Option{withDeletion}, nil, []string{"1"}, ""},
		{"tags, as a user", []Option{withDeletion, WithUser("cook", "pepper")}, nil, []string{"1"}, ""},
		{"manifests", []Option{withDeletion}, byDigest, []string{"1", "key-shared"}, "key-shared stays: the registry does not remove a tag alone, and 1 has the same manifest"},
		{"nothing", nil, nil, []string{"1", "key-own", "key-shared"}, "removes nothing from"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := StartProxied(t, test.opts...)
			opts := publish.Options{Keychain: user("cook", "pepper")}
			own, shared := newBase(t, 1, 1<<10, 1), newBase(t, 1, 1<<10, 2)
			items := []publish.Item{newItem(t, p.Host, "a", "1", shared), newItem(t, p.Host, "a", "key-shared", shared), newItem(t, p.Host, "a", "key-own", own)}
			mustPublish(t, items, opts)
			if test.spoil != nil {
				test.spoil(p)
			}
			var removed int
			err := publish.RemoveTags(t.Context(), removalsOf(t, items[1:]...), opts, func(publish.Removal) { removed++ })
			if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("the error is %v, want %q", err, test.err)
			}
			if want := test.err == "removes nothing from"; errors.As(err, new(*publish.UndeletableError)) != want {
				t.Errorf("the error is %v", err)
			}
			tags := tagsOf(t, items[0], opts)
			slices.Sort(tags)
			if diff := cmp.Diff(test.want, tags); diff != "" {
				t.Errorf("the tags (-want +got):\n%s", diff)
			}
			if removed != 3-len(test.want) {
				t.Errorf("it says that it removed %d tags", removed)
			}
			if _, err := publish.Resolve(t.Context(), items[0].Reference.Name(), opts); err != nil {
				t.Errorf("the image that was not to be removed: %v", err)
			}
		})
	}
}

// The registry gives at most so many tags at once as it is configured for.
func TestReader_Tags_pages(t *testing.T) {
	p := StartProxied(t, func(_ testing.TB, c *configuration.Configuration) { c.Tags.MaxTags = 3 })
	base := newBase(t, 1, 1<<10, 1)
	var (
		items []publish.Item
		want  []string
	)
	for i := range 10 {
		want = append(want, fmt.Sprintf("v%d", i))
		items = append(items, newItem(t, p.Host, "a", want[i], base))
	}
	mustPublish(t, items, publish.Options{})
	p.Forget()
	if diff := cmp.Diff(want, tagsOf(t, items[0], publish.Options{})); diff != "" {
		t.Errorf("the tags (-want +got):\n%s", diff)
	}
	if n := p.Count(func(r Request) bool { return strings.HasSuffix(r.Path, "/tags/list") }); n < 4 {
		t.Errorf("it asked for %d pages of 3 tags", n)
	}
}

// A registry with tokens wants one that is for removing.
func TestRemoveTags_tokens(t *testing.T) {
	server := NewTokenServer(t, "cook", "pepper")
	p := NewProxy(t, func(host string) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/token", server)
		mux.Handle("/v2/", Start(t, withDeletion, server.Trusted("http://"+host+"/token")))
		return mux
	})
	opts := publish.Options{Keychain: user("cook", "pepper")}
	items := []publish.Item{newItem(t, p.Host, "a", "key-1", newBase(t, 1, 1<<10, 1)), newItem(t, p.Host, "a", "key-2", newBase(t, 1, 1<<10, 2))}
	mustPublish(t, items, opts)
	if err := publish.RemoveTags(t.Context(), removalsOf(t, items...), opts, nil); err != nil {
		t.Fatal(err)
	}
	var asked []string
	for _, scopes := range server.Scopes() {
		if strings.Contains(scopes, "delete") {
			asked = append(asked, scopes)
		}
	}
	if diff := cmp.Diff([]string{"repository:pulp/a:push,pull,delete"}, asked); diff != "" {
		t.Errorf("the scopes with which it removed (-want +got):\n%s", diff)
	}
}
