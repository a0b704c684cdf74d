package registrytest

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pulpimg/pulpimg/pkg/publish"
)

func TestPublish_tagMovedBySomebodyElse(t *testing.T) {
	p := StartProxied(t)
	ours, theirs := newFamily(t, p.Host, "1", 1, 1), newFamily(t, p.Host, "1", 1, 2)
	// Our role's tag arrives only when all of theirs are there, and our base's before.
	p.Spoil(1, OfTag("pulp/role-1", "1"), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		mustPublish(t, theirs, publish.Options{})
		next.ServeHTTP(w, r)
	})
	_, err := publish.Publish(t.Context(), ours, publish.Options{Backoff: quick(2), Jobs: 1})

	var failure *publish.TagError
	if !errors.As(err, &failure) || len(failure.Differ) != 1 || len(failure.Moved) != 1 {
		t.Fatalf("the error is %v, want a *TagError with one tag that differs", err)
	}
	our, err := ours[0].Content.Digest()
	if err != nil {
		t.Fatal(err)
	}
	their, err := theirs[0].Content.Digest()
	if err != nil {
		t.Fatal(err)
	}
	want := publish.TagDifference{Tag: ours[0].Reference, Want: our, Found: their}
	if failure.Differ[0] != want {
		t.Errorf("it differs in %+v, want %+v", failure.Differ[0], want)
	}
	for _, part := range []string{ours[0].Reference.Name(), our.String(), their.String()} {
		if !strings.Contains(failure.Error(), part) {
			t.Errorf("%q does not say %q", failure, part)
		}
	}
}

// Of two publishers to the same tags each may lose, but not without a word: where the end is a mixture, one of them at least says so.
func TestPublish_twoPublishersAtOnce(t *testing.T) {
	const rounds = 20
	mixtures := 0
	for round := range int64(rounds) {
		q := NewQuirky(t, SlowTags, Plain)
		var errs [2]error
		families := [2][]publish.Item{newFamily(t, q.Host, "1", 2, 100+round), newFamily(t, q.Host, "1", 2, 200+round)}
		var publishers sync.WaitGroup
		for i := range families {
			publishers.Go(func() { _, errs[i] = publish.Publish(t.Context(), families[i], q.options()) })
		}
		publishers.Wait()
		whole := [2]bool{}
		for i, items := range families {
			whole[i] = holds(t, q, items)
			var differ *publish.TagError
			if errs[i] != nil && (!errors.As(errs[i], &differ) || len(differ.Differ) == 0) {
				t.Errorf("publisher %d: %v, want a *TagError with differences", i, errs[i])
			}
		}
		if whole[0] || whole[1] {
			continue
		}
		mixtures++
		if errs[0] == nil && errs[1] == nil {
			t.Error("the end is a mixture, and both publishers report success")
		}
	}
	if mixtures == 0 {
		t.Error("no round ended in a mixture, so the test shows nothing")
	}
}

// holds reports whether all tags of a family point to its images.
func holds(t *testing.T, q *Quirky, items []publish.Item) bool {
	t.Helper()
	for _, item := range items {
		ref := strings.TrimPrefix(item.Reference.Name(), q.Host+"/")
		tags, faults := q.Audit([]string{ref})
		if len(faults) > 0 {
			t.Error(faults)
		}
		want, err := item.Content.Digest()
		if err != nil {
			t.Fatal(err)
		}
		if tags[ref] != want.String() {
			return false
		}
	}
	return true
}

func TestCheckAccess(t *testing.T) {
	for _, test := range []struct {
		name     string
		quirks   []Quirk
		password string
		check    func(error) bool
	}{
		{"open", nil, "", func(err error) bool { return err == nil }},
		{"the right password", []Quirk{Bearer}, QuirkyPassword, func(err error) bool { return err == nil }},
		{"an upload elsewhere", []Quirk{Bearer, Elsewhere}, QuirkyPassword, func(err error) bool { return err == nil }},
		{"an open ping", []Quirk{OpenPing}, QuirkyPassword, func(err error) bool { return err == nil }},
		{"the wrong password", []Quirk{Bearer}, "salt", refusedCredentials},
		{"the wrong password after an open ping", []Quirk{OpenPing}, "salt", refusedCredentials},
		{"the wrong password for basic", []Quirk{Basic}, "salt", refusedCredentials},
		{"no repository", []Quirk{NoRepository}, "", func(err error) bool {
			return err != nil && strings.Contains(err.Error(), "The repository with name 'pulp/base' does not exist")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			q := NewQuirky(t, test.quirks...)
			tags := []name.Tag{newItem(t, q.Host, "base", "1", nil).Reference, newItem(t, q.Host, "base", "2", nil).Reference}
			opts := q.options()
			opts.Keychain = user(QuirkyUser, test.password)
			err := publish.CheckAccess(t.Context(), tags, opts)
			if !test.check(err) {
				t.Errorf("the error is %v", err)
			}
			posts := 0
			for _, request := range q.Requests() {
				if strings.HasPrefix(request, "POST /v2/pulp/base/blobs/uploads/ Accepted") {
					posts++
				}
			}
			if begun := len(q.uploads); begun != 0 || err == nil && posts != 1 {
				t.Errorf("%d uploads of %d are left", begun, posts)
			}
		})
	}
}

func refusedCredentials(err error) bool {
	var refused *publish.CredentialsError
	return errors.As(err, &refused)
}
