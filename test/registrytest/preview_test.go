package registrytest

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pulpimg/pulpimg/pkg/publish"
)

// A preview changes nothing, and says what publishing then does.
func TestPreview(t *testing.T) {
	registries := []registry{newRegistry(t), newRegistry(t)}
	hosts := hostsOf(registries)
	opts := publish.Options{Immutable: []string{release}}
	for _, step := range []struct {
		name  string
		items []publish.Item
	}{
		{"a new family", variants(t, hosts, "1.0.3", 1)},
		{"a family that is there", variants(t, hosts, "1.0.3", 1)},
		{"a new tag", variants(t, hosts, "1.0.4", 1)},
		{"another image", variants(t, hosts, "1.0.5", 10)},
		{"a release for one registry", releaseOf(t, hosts[:1], "1.0.6", 20)},
		{"the same for both", variants(t, hosts, "1.0.6", 20)},
	} {
		forget(registries)
		want, err := publish.Preview(t.Context(), step.items, opts)
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if n := count(registries, writes); n != 0 {
			t.Errorf("%s: the preview made %d requests that change something", step.name, n)
		}
		got := mustPublish(t, step.items, opts)
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(name.Tag{})); diff != "" {
			t.Errorf("%s (-preview +publication):\n%s", step.name, diff)
		}
	}
}

func TestPreview_immutableTags(t *testing.T) {
	registries := []registry{newRegistry(t)}
	hosts := hostsOf(registries)
	opts := publish.Options{Immutable: []string{release}}
	mustPublish(t, variants(t, hosts, "1.0.3", 1), opts)
	result, err := publish.Preview(t.Context(), variants(t, hosts, "1.0.3", 10), opts)
	var refused *publish.ImmutableError
	if !errors.As(err, &refused) || len(refused.Tags) != 3 || result == nil || len(result.Items) != 9 {
		t.Errorf("%+v, %v: want all items, and an *ImmutableError with three tags", result, err)
	}
	_, err = publish.Publish(t.Context(), variants(t, hosts, "1.0.3", 10), opts)
	var same *publish.ImmutableError
	if !errors.As(err, &same) {
		t.Fatalf("publishing: %v", err)
	}
	if diff := cmp.Diff(refused, same, cmpopts.EquateComparable(name.Tag{})); diff != "" {
		t.Errorf("(-preview +publication):\n%s", diff)
	}
}

// Whoever may only pull can preview.
func TestPreview_needsNoRightToPush(t *testing.T) {
	q := NewQuirky(t, PullTokens)
	items := quirkyFamily(t, q.Host, 1)
	result, err := publish.Preview(t.Context(), items, q.options())
	if err != nil {
		t.Fatalf("previewing: %v\n%s", err, strings.Join(q.Requests(), "\n"))
	}
	if result.PushedBytes() == 0 || !result.Items[0].TagMoved {
		t.Errorf("%+v, want that everything would be sent", result.Items)
	}
	if _, err := publish.Publish(t.Context(), items, q.options()); !refusedCredentials(err) {
		t.Errorf("publishing: %v, want a *CredentialsError", err)
	}
}

// A registry that finds nothing by HEAD is asked once more.
func TestPreview_tagsThatAreThere(t *testing.T) {
	for _, quirk := range []Quirk{Head404, Head405, NoDigest} {
		t.Run(string(quirk), func(t *testing.T) {
			q := NewQuirky(t, quirk)
			items := quirkyFamily(t, q.Host, 1)
			mustPublish(t, items, q.options())
			result, err := publish.Preview(t.Context(), items, q.options())
			if err != nil {
				t.Fatalf("previewing: %v", err)
			}
			for _, item := range result.Items {
				if item.TagMoved || item.Pushed.Bytes != 0 {
					t.Errorf("%+v, want that it is in place", item)
				}
			}
		})
	}
}

func TestPreview_quirks(t *testing.T) {
	for _, quirk := range []Quirk{HiddenRepo403, HiddenRepo401, Head405, Head403, Head400, HeadBlob405, HeadBlob403, HeadBlob400} {
		t.Run(string(quirk), func(t *testing.T) {
			q := NewQuirky(t, quirk)
			items := quirkyFamily(t, q.Host, 1)
			result, err := publish.Preview(t.Context(), items, q.options())
			if err != nil {
				t.Fatalf("previewing: %v", err)
			}
			hidden := quirk == HiddenRepo403 || quirk == HiddenRepo401
			for _, item := range result.Items {
				if !item.TagMoved || item.Unknown != hidden {
					t.Errorf("%+v, want that the tag would be set, and what it is unknown: %v", item, hidden)
				}
			}
			for _, request := range q.Requests() {
				if strings.HasPrefix(request, http.MethodPut) || strings.HasPrefix(request, http.MethodPost) {
					t.Error(request)
				}
			}
		})
	}
}
