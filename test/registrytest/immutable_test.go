package registrytest

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/pulpimg/pulpimg/pkg/publish"
)

// writes reports whether a request changes something.
func writes(r Request) bool {
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return true
	}
	return false
}

// A release that is published again is done already. Another one under its tags is refused before anything is sent.
func TestPublish_immutableTags(t *testing.T) {
	for _, quirks := range [][]Quirk{nil, {ImmutableTags}, {OldHead}, {Head404}, {Head405}, {NoDigest}} {
		t.Run(quirksName(quirks), func(t *testing.T) {
			registries := []registry{newRegistry(t, quirks...), newRegistry(t)}
			hosts := hostsOf(registries)
			opts := publish.Options{Backoff: quick(2), Immutable: []string{release}}
			items := releaseOf(t, hosts, "1.0.3", 1)
			mustPublish(t, items, opts)
			forget(registries)
			for _, item := range mustPublish(t, items, opts).Items {
				if item.TagMoved || !item.Present {
					t.Errorf("%+v, want nothing done", item)
				}
			}
			if n := count(registries, writes); n != 0 {
				t.Errorf("publishing again made %d requests that change something", n)
			}

			forget(registries)
			others := releaseOf(t, hosts, "1.0.3", 10)
			_, err := publish.Publish(t.Context(), others, opts)
			var refused *publish.ImmutableError
			if !errors.As(err, &refused) || refused.Uploaded || len(refused.Tags) != len(items) {
				t.Fatalf("the error is %v, want an *ImmutableError with all %d tags", err, len(items))
			}
			for i, d := range refused.Tags {
				_, _, want := parts(t, others[i])
				_, _, found := parts(t, items[i])
				if d.Tag != others[i].Reference || d.Want.String() != want || d.Found.String() != found {
					t.Errorf("%+v, want %s instead of %s", d, found, want)
				}
				if !strings.Contains(err.Error(), d.Tag.Name()+" points to "+found+" instead of "+want) {
					t.Errorf("%q does not name %s", err, d.Tag)
				}
			}
			if n := count(registries, writes); n != 0 {
				t.Errorf("what was refused made %d requests that change something", n)
			}
		})
	}
}

// releaseOf are the items of a family that are a release's own.
func releaseOf(t *testing.T, hosts []string, version string, seed int64) []publish.Item {
	t.Helper()
	var out []publish.Item
	for _, item := range variants(t, hosts, version, seed) {
		if strings.HasPrefix(item.Reference.TagStr(), version) {
			out = append(out, item)
		}
	}
	return out
}

func quirksName(quirks []Quirk) string {
	if len(quirks) == 0 {
		return "none"
	}
	return string(quirks[0])
}

func forget(registries []registry) {
	for _, r := range registries {
		r.Forget()
	}
}

func count(registries []registry, match func(Request) bool) int {
	n := 0
	for _, r := range registries {
		n += r.Count(match)
	}
	return n
}

// An immutable tag of one registry that is of another image keeps the tags of all registries where they are, those that may move included.
func TestPublish_immutableTagOfOneRegistry(t *testing.T) {
	registries := []registry{newRegistry(t), newRegistry(t)}
	hosts := hostsOf(registries)
	opts := publish.Options{Backoff: quick(2), Immutable: []string{release}}
	former := variants(t, hosts, "1.0.3", 1)
	mustPublish(t, former, opts)
	mustPublish(t, releaseOf(t, hosts[1:], "1.0.4", 10), opts)
	forget(registries)
	_, err := publish.Publish(t.Context(), variants(t, hosts, "1.0.4", 20), opts)
	var refused *publish.ImmutableError
	if !errors.As(err, &refused) || len(refused.Tags) != 3 || count(registries, writes) != 0 {
		t.Errorf("the error is %v after %d requests that change something", err, count(registries, writes))
	}
	for ref, ok := range inPlace(t, registries, former) {
		if !ok {
			t.Errorf("%s was moved", ref)
		}
	}
}

// Somebody makes the tag while the images are uploaded.
func TestPublish_immutableTagMadeMeanwhile(t *testing.T) {
	for _, test := range []struct {
		name string
		seed int64 // of what the others publish
		same bool
	}{{"of another image", 20, false}, {"of the same image", 10, true}} {
		t.Run(test.name, func(t *testing.T) {
			registries := []registry{newRegistry(t), newRegistry(t)}
			hosts := hostsOf(registries)
			opts := publish.Options{Backoff: quick(2), Immutable: []string{release}}
			former := variants(t, hosts, "1.0.3", 1)
			mustPublish(t, former, opts)
			items := variants(t, hosts, "1.0.4", 10)
			theirs := releaseOf(t, hosts[:1], "1.0.4", test.seed)
			registries[1].Spoil(1, func(r *http.Request) bool { return r.Method == http.MethodPost }, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				mustPublish(t, theirs, opts)
				forget(registries)
				next.ServeHTTP(w, r)
			})
			_, err := publish.Publish(t.Context(), items, opts)
			if test.same {
				if err != nil {
					t.Fatalf("publishing: %v", err)
				}
				checkReported(t, inPlace(t, registries, items), nil)
				if n := registries[0].Count(func(r Request) bool { return r.StoresTag() && strings.Contains(r.Path, "/1.0.4") }); n != 0 {
					t.Errorf("%d tags that were there were set again", n)
				}
				return
			}
			var refused *publish.ImmutableError
			if !errors.As(err, &refused) || !refused.Uploaded || len(refused.Tags) != 3 {
				t.Errorf("the error is %v, want an *ImmutableError with three tags", err)
			}
			if n := count(registries, Request.StoresTag); n != 0 {
				t.Errorf("%d tags were set", n)
			}
		})
	}
}

// Where the tag of a release cannot be set, the tags that follow it stay where they are.
func TestPublish_otherTagsFollowImmutableOnes(t *testing.T) {
	registries := []registry{newRegistry(t), newRegistry(t)}
	hosts := hostsOf(registries)
	opts := publish.Options{Backoff: quick(2), Immutable: []string{release}}
	former := variants(t, hosts, "1.0.3", 1)
	mustPublish(t, former, opts)
	registries[1].Spoil(-1, OfTag("pulp/base", "1.0.4"), Answer(400, `{"errors":[{"code":"TAG_INVALID","message":"reserved"}]}`))
	items := variants(t, hosts, "1.0.4", 10)
	_, err := publish.Publish(t.Context(), items, opts)
	var failure *publish.TagError
	if !errors.As(err, &failure) || len(failure.NotMoved) != 1+12 || len(failure.Moved) != 5 {
		t.Fatalf("the error is %v, want a *TagError about one release's tag and twelve others", err)
	}
	for _, part := range []string{"reserved", "waits for the immutable tags"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	checkReported(t, inPlace(t, registries, items), failure)
	for ref, ok := range inPlace(t, registries, former) {
		if !ok {
			t.Errorf("%s was moved", ref)
		}
	}
}

// A registry that denies to say anything of a repository that does not exist may say it later. If it never does, no tag is set.
func TestPublish_immutableTagThatIsDenied(t *testing.T) {
	for _, quirk := range []Quirk{HiddenRepo403, HiddenRepo401} {
		t.Run(string(quirk), func(t *testing.T) {
			q := NewQuirky(t, quirk)
			opts := q.options()
			opts.Immutable = []string{"*"}
			items := quirkyFamily(t, q.Host, 1)
			mustPublish(t, items, opts)
			checkAudit(t, q, items)
			_, err := publish.Publish(t.Context(), quirkyFamily(t, q.Host, 10), opts)
			if refused := (*publish.ImmutableError)(nil); !errors.As(err, &refused) || refused.Uploaded {
				t.Errorf("the error is %v, want an *ImmutableError", err)
			}
		})
	}
	t.Run(string(NoReading), func(t *testing.T) {
		q := NewQuirky(t, NoReading)
		opts := q.options()
		opts.Immutable = []string{"*"}
		_, err := publish.Publish(t.Context(), quirkyFamily(t, q.Host, 1), opts)
		var denied *publish.CredentialsError
		wantUploadError(t, err)
		if !errors.As(err, &denied) || !strings.Contains(err.Error(), "finding out whether immutable tags exist already ("+q.Host+"/pulp/base:1, ") {
			t.Errorf("the error is %v, want one that names the tags", err)
		}
		for _, request := range q.Requests() {
			if strings.HasPrefix(request, "PUT") && strings.Contains(request, "/manifests/1 ") {
				t.Errorf("a tag was set: %s", request)
			}
		}
	})
}

func TestPublish_wrongPattern(t *testing.T) {
	p := StartProxied(t)
	_, err := publish.Publish(t.Context(), newFamily(t, p.Host, "1", 0, 1), publish.Options{Immutable: []string{"[0-9"}})
	if err == nil || !strings.Contains(err.Error(), `"[0-9" is no pattern`) || len(p.Requests()) != 0 {
		t.Errorf("the error is %v after %d requests", err, len(p.Requests()))
	}
}

// complete reports whether all tags of a family are there and point to its images. Others may be missing.
func complete(t *testing.T, q *Quirky, items []publish.Item) bool {
	t.Helper()
	for _, item := range items {
		repo, tag, digest := parts(t, item)
		if tags, _ := q.Audit([]string{repo + ":" + tag}); tags[repo+":"+tag] != digest {
			return false
		}
	}
	return true
}

// Of two publishers of one release, at the same moment, one may replace the other. Where the end is a mixture, or the release of one and
// what follows it are not the same, one of them at least says so.
func TestPublish_twoPublishersOfOneRelease(t *testing.T) {
	const rounds = 20
	refused, replaced := 0, 0
	for round := range int64(rounds) {
		q := NewQuirky(t, SlowTags, Plain)
		opts := q.options()
		opts.Immutable = []string{release}
		var errs [2]error
		families := [2][]publish.Item{variants(t, []string{q.Host}, "1.0.3", 100*round), variants(t, []string{q.Host}, "1.0.3", 100*round+50)}
		var publishers sync.WaitGroup
		for i := range families {
			publishers.Go(func() { _, errs[i] = publish.Publish(t.Context(), families[i], opts) })
		}
		publishers.Wait()
		for i, items := range families {
			var (
				conflict *publish.ImmutableError
				failure  *publish.TagError
			)
			switch {
			case errs[i] == nil:
			case errors.As(errs[i], &conflict):
				refused++
			case errors.As(errs[i], &failure) && len(failure.Differ) > 0:
				replaced++
			default:
				t.Errorf("publisher %d: %v", i, errs[i])
			}
			if complete(t, q, items) && errs[1-i] == nil && errs[i] != nil {
				t.Errorf("the end is the family of publisher %d, who reports %v, and the other reports success", i, errs[i])
			}
		}
		if !complete(t, q, families[0]) && !complete(t, q, families[1]) && errs[0] == nil && errs[1] == nil {
			t.Error("the end is a mixture, and both publishers report success")
		}
	}
	if refused+replaced == 0 {
		t.Error("no publisher was too late, so the test shows nothing")
	}
}
