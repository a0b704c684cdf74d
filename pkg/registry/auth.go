package registry

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// defaultTokenLife is how long a token is good for if its server does not say:
// https://distribution.github.io/distribution/spec/auth/token/#token-response-fields
const defaultTokenLife = time.Minute

// access is the right to use one repository: the user's credentials, and the tokens that were had for them.
type access struct {
	repository name.Repository
	keychain   authn.Keychain
	challenge  *transport.Challenge
	transport  http.RoundTripper

	mu     sync.Mutex // held while asking, so that nothing is asked twice
	config *authn.AuthConfig
	tokens map[string]token // by scope
}

type token struct {
	value   string
	refresh time.Time
}

// authorization gives the value of the Authorization header for a request that needs scopes, "" for none, and whether it
// was asked for just now.
func (a *access) authorization(ctx context.Context, scopes []string) (value string, fresh bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.resolve(ctx); err != nil {
		return "", false, err
	}
	switch c := a.config; {
	case c.RegistryToken != "":
		return "Bearer " + c.RegistryToken, true, nil
	case a.bearer():
		return a.token(ctx, scopes)
	case c.Username != "" && c.Password != "":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.Username+":"+c.Password)), true, nil
	case c.Auth != "":
		return "Basic " + c.Auth, true, nil
	}
	return "", true, nil
}

// forget drops a token that the registry no longer takes.
func (a *access) forget(authorization string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.DeleteFunc(a.tokens, func(_ string, t token) bool { return "Bearer "+t.value == authorization })
}

func (a *access) anonymous() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.config == nil || *a.config == authn.AuthConfig{}
}

func (a *access) bearer() bool { return strings.EqualFold(a.challenge.Scheme, "bearer") }

func (a *access) resolve(ctx context.Context) error {
	if a.config != nil {
		return nil
	}
	auth, err := authn.Resolve(ctx, a.keychain, a.repository)
	if err != nil {
		return fmt.Errorf("looking up the credentials for %s: %w", a.repository, err)
	}
	a.config, err = authn.Authorization(ctx, auth)
	if err != nil {
		return fmt.Errorf("looking up the credentials for %s: %w", a.repository, err)
	}
	return nil
}

// token exchanges the credentials for a token, or takes the one that is still good.
func (a *access) token(ctx context.Context, scopes []string) (string, bool, error) {
	key := strings.Join(scopes, " ")
	if t, ok := a.tokens[key]; ok && time.Now().Before(t.refresh) {
		return "Bearer " + t.value, false, nil
	}
	asked := time.Now()
	got, err := transport.Exchange(ctx, a.repository.Registry, authn.FromConfig(*a.config), a.transport, scopes, a.challenge)
	if err != nil {
		return "", false, err
	}
	life := time.Duration(got.ExpiresIn) * time.Second
	if life <= 0 {
		life = defaultTokenLife
	}
	t := token{value: got.Token, refresh: asked.Add(life * 3 / 4)}
	if got.AccessToken != "" { // what OAuth 2.0 calls it; servers give either
		t.value = got.AccessToken
	}
	if a.tokens == nil {
		a.tokens = make(map[string]token)
	}
	a.tokens[key] = t
	return "Bearer " + t.value, true, nil
}
