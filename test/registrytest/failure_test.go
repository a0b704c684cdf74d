package registrytest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pulpimg/pulpimg/pkg/publish"
)

// quick repeats without making the tests wait.
func quick(attempts int) publish.Backoff {
	return publish.Backoff{Attempts: attempts, First: time.Millisecond, Longest: 2 * time.Second}
}

// If the upload of one role fails, no tag moves.
func TestPublish_failedUploadMovesNoTag(t *testing.T) {
	p := StartProxied(t)
	former := newFamily(t, p.Host, "1", 3, 1)
	mustPublish(t, former, publish.Options{})
	items := newFamily(t, p.Host, "1", 3, 2)
	p.Spoil(-1, OfBlob("pulp/role-2"), Answer(503, "out of order"))
	_, err := publish.Publish(t.Context(), items, publish.Options{Backoff: quick(2)})

	var failure *publish.UploadError
	if !errors.As(err, &failure) {
		t.Fatalf("the error is %v, want an *UploadError", err)
	}
	if len(failure.Uploaded) != 0 || len(failure.Missing) != 4 || failure.BlobsMissing == 0 {
		t.Errorf("%+v, want every item incomplete", failure)
	}
	for _, part := range []string{p.Host + "/pulp/role-2", "of role-2", "out of order", "tried 2 times", "no tag was moved"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	checkPublished(t, former)

	stored := make(map[string]bool)
	for _, r := range p.Requests() {
		if r.Status == http.StatusCreated && r.Query["digest"] != nil {
			stored[r.Query["digest"][0]] = true
		}
	}
	p.Heal()
	p.Forget()
	mustPublish(t, items, publish.Options{})
	for digest := range p.BlobBytes() {
		if stored[digest] {
			t.Errorf("%s was sent again", digest)
		}
	}
	checkPublished(t, items)
}

// If a manifest fails, the error names the images that are complete.
func TestPublish_failedManifest(t *testing.T) {
	p := StartProxied(t)
	items := newFamily(t, p.Host, "1", 1, 1)
	mustPublish(t, items[:1], publish.Options{})
	p.Spoil(-1, func(r *http.Request) bool {
		return r.Method == http.MethodPut && strings.HasPrefix(r.URL.Path, "/v2/pulp/role-1/manifests/sha256:")
	}, Answer(400, `{"errors":[{"code":"MANIFEST_INVALID","message":"no such thing"}]}`))
	_, err := publish.Publish(t.Context(), items, publish.Options{Backoff: quick(2)})

	var failure *publish.UploadError
	if !errors.As(err, &failure) {
		t.Fatalf("the error is %v, want an *UploadError", err)
	}
	want := publish.UploadError{Uploaded: []string{"base"}, Missing: []string{"role-1"}, BlobsUploaded: 5}
	if diff := cmp.Diff(want, *failure, cmpopts.IgnoreFields(want, "Err")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !strings.Contains(err.Error(), "MANIFEST_INVALID: no such thing") {
		t.Errorf("%q does not give the registry's answer", err)
	}
	checkNoTag(t, items[1:])
}

// If a tag fails, the error names the tags that moved.
func TestPublish_failedTag(t *testing.T) {
	p := StartProxied(t)
	items := newFamily(t, p.Host, "1", 3, 1)
	p.Spoil(-1, OfTag("pulp/role-2", "1"), Answer(409, `{"errors":[{"code":"DENIED","message":"this tag is immutable"}]}`))
	_, err := publish.Publish(t.Context(), items, publish.Options{Backoff: quick(2)})

	var failure *publish.TagError
	if !errors.As(err, &failure) {
		t.Fatalf("the error is %v, want a *TagError", err)
	}
	want := []name.Tag{items[0].Reference, items[1].Reference, items[3].Reference}
	if diff := cmp.Diff(want, failure.Moved, cmp.Comparer(func(a, b name.Tag) bool { return a.Name() == b.Name() })); diff != "" {
		t.Errorf("moved (-want +got):\n%s", diff)
	}
	if len(failure.NotMoved) != 1 || failure.NotMoved[0].Tag != items[2].Reference || len(failure.Unknown) != 0 {
		t.Errorf("not moved: %+v, want role-2 alone", failure.NotMoved)
	}
	if !strings.Contains(err.Error(), "this tag is immutable") {
		t.Errorf("%q does not say why", err)
	}
}

// A tag counts as moved even if the answer was lost.
func TestPublish_lostTagAnswer(t *testing.T) {
	p := StartProxied(t)
	items := newFamily(t, p.Host, "1", 1, 1)
	p.Spoil(-1, OfTag("pulp/role-1", "1"), LoseAnswer)
	mustPublish(t, items, publish.Options{Backoff: quick(1)})
	checkPublished(t, items)
}

func TestPublish_busyRegistry(t *testing.T) {
	for name, spoil := range map[string]func(*Proxy){
		"429 with Retry-After":        func(p *Proxy) { p.Spoil(1, OfMethod("HEAD"), Answer(429, "", "Retry-After", "1")) },
		"503 on the first request":    func(p *Proxy) { p.Spoil(1, OfMethod("GET"), Answer(503, "")) },
		"503 on a mount":              func(p *Proxy) { p.Spoil(2, OfMount, Answer(503, "")) },
		"503 on an upload":            func(p *Proxy) { p.Spoil(3, OfBlob(""), Answer(503, "")) },
		"429 on an upload":            func(p *Proxy) { p.Spoil(3, OfBlob(""), Answer(429, "", "Retry-After", "0")) },
		"500 on a tag":                func(p *Proxy) { p.Spoil(1, OfTag("pulp/base", "1"), Answer(500, "")) },
		"a connection that breaks":    func(p *Proxy) { p.Spoil(2, OfBlob(""), BreakAfter(layerSize/2)) },
		"an upload without an answer": func(p *Proxy) { p.Spoil(1, OfBlob("pulp/base"), LoseAnswer) },
		"a tag without an answer":     func(p *Proxy) { p.Spoil(1, OfTag("pulp/base", "1"), LoseAnswer) },
	} {
		t.Run(name, func(t *testing.T) {
			p := StartProxied(t)
			spoil(p)
			items := newFamily(t, p.Host, "1", 2, 1)
			mustPublish(t, items, publish.Options{Backoff: quick(4)})
			for _, f := range p.faults {
				if f.times != 0 {
					t.Error("the fault did not come up")
				}
			}
			checkPublished(t, items)
		})
	}
}

// A blob is not sent again if only the answer was lost.
func TestPublish_lostUploadAnswer(t *testing.T) {
	p := StartProxied(t)
	items := newFamily(t, p.Host, "1", 0, 1)
	p.Spoil(1, OfBlob("pulp/base"), LoseAnswer)
	mustPublish(t, items, publish.Options{Backoff: quick(3)})
	if diff := cmp.Diff(blobSizes(t, imagesOf(items)...), p.BlobBytes()); diff != "" {
		t.Errorf("bytes of each blob on the wire (-want +got):\n%s", diff)
	}
}

// The error for refused credentials names the registry, and they are not tried again.
func TestPublish_refusedCredentials(t *testing.T) {
	for _, test := range []struct {
		name              string
		keychain          authn.Keychain
		denied, anonymous bool
		spoil             func(*Proxy)
		says              string
	}{
		{name: "wrong password", keychain: user("cook", "salt"), says: "does not accept the credentials"},
		{name: "no credentials", keychain: nobody{}, anonymous: true, says: "none were found"},
		{
			name: "no right to push", keychain: user("cook", "pepper"), denied: true, says: "does not allow this",
			spoil: func(p *Proxy) {
				p.Spoil(-1, OfMethod("POST"), Answer(403, `{"errors":[{"code":"DENIED","message":"read only"}]}`))
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := StartProxied(t, WithUser("cook", "pepper"))
			if test.spoil != nil {
				test.spoil(p)
			}
			items := newFamily(t, p.Host, "1", 0, 1)
			_, err := publish.Publish(t.Context(), items, publish.Options{Backoff: quick(5), Keychain: test.keychain, Jobs: 1})

			var refused *publish.CredentialsError
			if !errors.As(err, &refused) {
				t.Fatalf("the error is %v, want a *CredentialsError", err)
			}
			if refused.Registry != p.Host || refused.Repository != p.Host+"/pulp/base" || refused.Denied != test.denied || refused.Anonymous != test.anonymous {
				t.Errorf("%+v", refused)
			}
			for _, part := range []string{p.Host, test.says, "`docker login " + p.Host + "`"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if n := p.Count(func(r Request) bool { return r.Status == 401 || r.Status == 403 }); n > 2 {
				t.Errorf("%d requests were refused, the registry's first challenge included: %+v", n, p.Requests())
			}
		})
	}
}

func TestPublish_rightPassword(t *testing.T) {
	p := StartProxied(t, WithUser("cook", "pepper"))
	items := newFamily(t, p.Host, "1", 2, 1)
	mustPublish(t, items, publish.Options{Keychain: user("cook", "pepper")})
	checkPublished(t, items, remote.WithAuth(&authn.Basic{Username: "cook", Password: "pepper"}))
}

func TestPublish_unreachableRegistry(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = publish.Publish(t.Context(), newFamily(t, host, "1", 1, 1), publish.Options{})

	var silent *publish.UnreachableError
	if !errors.As(err, &silent) || silent.Registry != host {
		t.Fatalf("the error is %v, want an *UnreachableError for %s", err, host)
	}
	if want := "registry " + host + " cannot be reached: dial tcp " + host + ": connect: connection refused"; err.Error() != want {
		t.Errorf("the error says\n%s\nwant\n%s", err, want)
	}
}

func TestPublish_registryDies(t *testing.T) {
	p := StartProxied(t)
	p.Spoil(-1, OfMethod("PUT"), BreakAfter(0))
	_, err := publish.Publish(t.Context(), newFamily(t, p.Host, "1", 1, 1), publish.Options{Backoff: quick(2)})

	var silent *publish.UnreachableError
	if !errors.As(err, &silent) || silent.Registry != p.Host {
		t.Fatalf("the error is %v, want an *UnreachableError for %s", err, p.Host)
	}
	if n := strings.Count(err.Error(), "cannot be reached"); n != 1 {
		t.Errorf("%q says %d times what happened", err, n)
	}
}

// A cancelled publication stops and moves no tag.
func TestPublish_cancelled(t *testing.T) {
	p := StartProxied(t)
	items := newFamily(t, p.Host, "1", 2, 1)
	begun := make(chan struct{}, 100)
	p.Spoil(-1, OfBlob(""), Hang(begun))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-begun
		cancel()
	}()
	_, err := publish.Publish(ctx, items, publish.Options{})

	var failure *publish.UploadError
	if !errors.Is(err, context.Canceled) || !errors.As(err, &failure) {
		t.Errorf("the error is %v, want an *UploadError that is context.Canceled", err)
	}
	p.Heal()
	checkNoTag(t, items)
}

// If the publication is cancelled while tags move, the remaining tags still move.
func TestPublish_cancelledWhileMovingTags(t *testing.T) {
	p := StartProxied(t)
	items := newFamily(t, p.Host, "1", 2, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p.Spoil(-1, OfTag("pulp/base", "1"), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		cancel()
		next.ServeHTTP(w, r)
	})
	if _, err := publish.Publish(ctx, items, publish.Options{Jobs: 1}); err != nil {
		t.Errorf("publishing: %v", err)
	}
	checkPublished(t, items)
}

// The error names the reference that does not exist.
func TestResolve_notFound(t *testing.T) {
	p := StartProxied(t)
	_, err := publish.Resolve(t.Context(), p.Host+"/pulp/none:1", publish.Options{})
	var missing *publish.NotFoundError
	if !errors.As(err, &missing) || !strings.Contains(err.Error(), p.Host+"/pulp/none:1") {
		t.Errorf("the error is %v, want a *NotFoundError with the reference", err)
	}
}

type keychain struct{ authn.Authenticator }

func (k keychain) Resolve(authn.Resource) (authn.Authenticator, error) { return k.Authenticator, nil }

func user(name, password string) authn.Keychain {
	return keychain{&authn.Basic{Username: name, Password: password}}
}

type nobody struct{}

func (nobody) Resolve(authn.Resource) (authn.Authenticator, error) { return authn.Anonymous, nil }
