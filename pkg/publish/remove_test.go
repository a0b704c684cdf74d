package publish

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
)

// A deletable is a registry with one repository, which removes things as the test says.
type deletable struct {
	mu   sync.Mutex
	tags map[string]string // their manifests
	// delete returns the status for what is to be removed, and what goes.
	delete func(identifier string) (status int, gone []string)
	asked  []string // what was to be removed
}

func (d *deletable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	identifier, ok := strings.CutPrefix(r.URL.Path, "/v2/a/manifests/")
	switch {
	case r.URL.Path == "/v2/a/tags/list":
		var quoted []string
		for tag := range d.tags {
			quoted = append(quoted, fmt.Sprintf("%q", tag))
		}
		fmt.Fprintf(w, `{"tags":[%s]}`, strings.Join(quoted, ","))
	case !ok:
	case r.Method == http.MethodDelete:
		d.asked = append(d.asked, identifier)
		status, gone := d.delete(identifier)
		for _, tag := range gone {
			delete(d.tags, tag)
		}
		w.WriteHeader(status)
	default:
		manifest, found := d.tags[identifier]
		if !found {
			w.WriteHeader(http.StatusNotFound)
		}
		fmt.Fprint(w, manifest)
	}
}

// at returns the tags that point to a digest.
func (d *deletable) at(sum string) []string {
	var out []string
	for tag, manifest := range d.tags {
		if digest.FromString(manifest).String() == sum {
			out = append(out, tag)
		}
	}
	return out
}

func TestRemoveTags(t *testing.T) {
	sum := func(manifest string) string { return digest.FromString(manifest).String() }
	for _, test := range []struct {
		name   string
		delete func(d *deletable, identifier string) (int, []string)
		want   []string // the tags that stay, of key-1 and key-2, which are to be removed, and 1, kept and moved
		asked  []string
		err    string
	}{
		{
			"tag by tag", func(_ *deletable, id string) (int, []string) { return http.StatusAccepted, []string{id} },
			[]string{"1", "kept", "moved"}, []string{"key-1", "key-2"}, "moved stays: it was moved",
		},
		{
			"by digest alone", func(d *deletable, id string) (int, []string) {
				if !strings.HasPrefix(id, "sha256:") {
					return http.StatusBadRequest, nil
				}
				return http.StatusAccepted, d.at(id)
			},
			[]string{"1", "kept", "key-2", "moved"}, []string{"key-1", "key-2", sum("one")}, "key-2 stays: the registry does not remove a tag alone, and kept has the same manifest",
		},
		{
			"by digest alone, tags are unknown", func(d *deletable, id string) (int, []string) {
				if !strings.HasPrefix(id, "sha256:") {
					return http.StatusNotFound, nil
				}
				return http.StatusAccepted, d.at(id)
			},
			[]string{"1", "kept", "key-2", "moved"}, []string{"key-1", "key-2", sum("one")}, "key-2 stays",
		},
		{
			"the answer was lost", func(_ *deletable, id string) (int, []string) { return http.StatusNotFound, []string{id} },
			[]string{"1", "kept", "moved"}, []string{"key-1", "key-2"}, "moved stays",
		},
		{
			"nothing", func(*deletable, string) (int, []string) { return http.StatusMethodNotAllowed, nil },
			[]string{"1", "kept", "key-1", "key-2", "moved"}, nil, "removes nothing from",
		},
		{
			"nothing, and says that there is nothing", func(*deletable, string) (int, []string) { return http.StatusNotFound, nil },
			[]string{"1", "kept", "key-1", "key-2", "moved"}, nil, "removes nothing from",
		},
		{
			"not for this user", func(*deletable, string) (int, []string) { return http.StatusForbidden, nil },
			[]string{"1", "kept", "key-1", "key-2", "moved"}, nil, "wants credentials",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := &deletable{tags: map[string]string{"1": "image", "key-1": "one", "key-2": "two", "kept": "two", "moved": "new"}}
			d.delete = func(id string) (int, []string) { return test.delete(d, id) }
			host := serve(t, d.ServeHTTP)
			var removed []string
			err := RemoveTags(t.Context(), []Removal{
				{host + "/a:key-1", digest.FromString("one")}, {host + "/a:key-2", digest.FromString("two")},
				{host + "/a:moved", digest.FromString("old")}, {host + "/a:gone", digest.FromString("gone")},
			}, Options{Keychain: fixedKeychain{}, Backoff: Backoff{Attempts: 1}}, func(r Removal) { removed = append(removed, r.Reference) })
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("the error is %v, want %q", err, test.err)
			}
			d.mu.Lock() // the registry may still be about what nobody waits for any more
			defer d.mu.Unlock()
			var left []string
			for tag := range d.tags {
				left = append(left, tag)
			}
			slices.Sort(left)
			if diff := cmp.Diff(test.want, left); diff != "" {
				t.Errorf("the tags that are left (-want +got):\n%s", diff)
			}
			slices.Sort(d.asked)
			if diff := cmp.Diff(test.asked, d.asked); test.asked != nil && diff != "" {
				t.Errorf("what was to be removed (-want +got):\n%s", diff)
			}
			for _, tag := range []string{"key-1", "key-2"} {
				if _, there := d.tags[tag]; slices.Contains(removed, host+"/a:"+tag) == there {
					t.Errorf("it says that it removed %q; %s is there: %v", removed, tag, there)
				}
			}
			if want := test.err == "removes nothing from"; errors.As(err, new(*UndeletableError)) != want {
				t.Errorf("the error is %v, an *UndeletableError: %v", err, !want)
			}
		})
	}
}
