package registrytest

import (
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pulpimg/pulpimg/pkg/publish"
)

// startWithTokens runs a registry that sends its clients to server.
func startWithTokens(t *testing.T, server *TokenServer) *Proxy {
	return NewProxy(t, func(host string) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/token", server)
		mux.Handle("/v2/", Start(t, server.Trusted("http://"+host+"/token")))
		return mux
	})
}

// Tokens are asked for once per repository and mount source.
func TestTokens_askedForOnce(t *testing.T) {
	server := NewTokenServer(t, "cook", "pepper")
	p := startWithTokens(t, server)
	items := newFamily(t, p.Host, "1", 2, 1)
	result := mustPublish(t, items, publish.Options{Keychain: user("cook", "pepper")})

	got := server.Scopes()
	slices.Sort(got)
	want := []string{
		"repository:pulp/base:push,pull",
		"repository:pulp/role-1:push,pull",
		"repository:pulp/role-1:push,pull repository:pulp/base:pull",
		"repository:pulp/role-2:push,pull",
		"repository:pulp/role-2:push,pull repository:pulp/base:pull",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scopes (-want +got):\n%s", diff)
	}
	if n := p.Count(func(r Request) bool { return r.Status == 401 }); n != 1 {
		t.Errorf("%d requests were refused, want the first challenge alone", n)
	}
	if result.Items[1].Mounted.Layers != 3 {
		t.Errorf("%+v, want the layers of the base mounted", result.Items[1])
	}
	checkPublished(t, items, remote.WithAuth(&authn.Basic{Username: "cook", Password: "pepper"}))
}

// A token that the registry no longer accepts is replaced.
func TestTokens_expired(t *testing.T) {
	server := NewTokenServer(t, "cook", "pepper")
	p := startWithTokens(t, server)
	p.Spoil(1, OfMethod("POST"), Answer(401, "", "WWW-Authenticate", `Bearer realm="http://`+p.Host+`/token",service="registry"`))
	items := newFamily(t, p.Host, "1", 0, 1)
	mustPublish(t, items, publish.Options{Keychain: user("cook", "pepper")})
	checkPublished(t, items, remote.WithAuth(&authn.Basic{Username: "cook", Password: "pepper"}))
}

// If the token server refuses the user, the error is a CredentialsError.
func TestTokens_refusedUser(t *testing.T) {
	p := startWithTokens(t, NewTokenServer(t, "cook", "pepper"))
	_, err := publish.Publish(t.Context(), newFamily(t, p.Host, "1", 0, 1), publish.Options{Keychain: user("cook", "salt")})
	var refused *publish.CredentialsError
	if !errors.As(err, &refused) || refused.Denied || refused.Anonymous || refused.Registry != p.Host {
		t.Fatalf("the error is %v, want a *CredentialsError for wrong credentials", err)
	}
	if n := p.Count(func(r Request) bool { return r.Path == "/token" }); n != 1 {
		t.Errorf("the token server was asked %d times", n)
	}
}

// A token that does not allow enough is a denial.
func TestTokens_insufficientScope(t *testing.T) {
	p := startWithTokens(t, NewTokenServer(t, "cook", "pepper"))
	p.Spoil(-1, OfMethod("POST"), Answer(401, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`))
	_, err := publish.Publish(t.Context(), newFamily(t, p.Host, "1", 0, 1), publish.Options{Keychain: user("cook", "pepper")})
	var refused *publish.CredentialsError
	if !errors.As(err, &refused) || !refused.Denied {
		t.Fatalf("the error is %v, want a *CredentialsError that is a denial", err)
	}
}
