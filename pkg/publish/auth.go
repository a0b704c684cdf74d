package publish

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
)

// access is what authorizes requests to one repository: the user's credentials, and the tokens that were issued for them.
type access struct {
	repository name.Repository
	keychain   authn.Keychain
	scheme     string // of the registry: http or https
	transport  http.RoundTripper
	repeat     repeater

	mu        sync.Mutex // locked during requests, so that none is made twice
	challenge challenge
	config    *authn.AuthConfig
	tokens    map[string]token // by scope
	accepted  bool             // the registry has accepted the credentials before
}

// authorization returns the value of the Authorization header for a request that needs scopes, or "" for none. It is fresh if it was
// asked for just now.
func (a *access) authorization(ctx context.Context, scopes []string) (value string, fresh bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.resolve(ctx); err != nil {
		return "", false, err
	}
	switch {
	case a.config.RegistryToken != "":
		return "Bearer " + a.config.RegistryToken, true, nil
	case a.challenge.bearer:
		return a.token(ctx, scopes)
	}
	return a.basic(), true, nil
}

// basic returns the user's name and password as a header, or "".
func (a *access) basic() string {
	switch c := a.config; {
	case c.Username != "" && c.Password != "":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.Username+":"+c.Password))
	case c.Auth != "":
		return "Basic " + c.Auth
	}
	return ""
}

// accept notes that the registry accepted the credentials.
func (a *access) accept() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.accepted = true
}

// renew prepares another attempt after a request with an Authorization header was refused, and reports whether that may succeed: a
// token may have expired early, or the registry may now ask for another kind of authentication. Credentials that the registry
// never accepted are not tried again.
func (a *access) renew(refused http.Header, authorization string, fresh bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.DeleteFunc(a.tokens, func(_ string, t token) bool { return "Bearer "+t.value == authorization })
	if c, ok := parseChallenge(refused); ok && c != a.challenge {
		a.challenge, a.tokens = c, nil
		return true
	}
	return !fresh || a.accepted && authorization != ""
}

func (a *access) anonymous() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.config == nil || *a.config == authn.AuthConfig{}
}

func (a *access) bearer() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.challenge.bearer
}

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

// token returns a token that is still valid, or exchanges the credentials for a new one.
func (a *access) token(ctx context.Context, scopes []string) (string, bool, error) {
	key := strings.Join(scopes, " ")
	if t, ok := a.tokens[key]; ok && time.Now().Before(t.refresh) {
		return "Bearer " + t.value, false, nil
	}
	t, err := a.exchange(ctx, scopes)
	if err != nil {
		return "", false, err
	}
	if a.tokens == nil {
		a.tokens = make(map[string]token)
	}
	a.tokens[key] = t
	return "Bearer " + t.value, true, nil
}
