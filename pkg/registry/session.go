package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// session is the conversation with one registry.
type session struct {
	registry  name.Registry
	scheme    string
	challenge *transport.Challenge
	keychain  authn.Keychain
	transport http.RoundTripper
	client    *http.Client
	backoff   Backoff

	mu       sync.Mutex
	accesses map[string]*access // by repository
}

// connect asks a registry how it wants to be talked to.
func connect(ctx context.Context, registry name.Registry, o options) (*session, error) {
	agent := transport.NewUserAgent(o.transport, userAgent)
	challenge, err := transport.Ping(ctx, registry, retrier{inner: agent, backoff: o.backoff, transient: transientOnceConnected})
	if ctx.Err() != nil {
		return nil, fmt.Errorf("connecting to registry %s: %w", registry, ctx.Err())
	}
	if err != nil {
		return nil, unreachable(registry, err)
	}
	scheme := "https"
	if challenge.Insecure {
		scheme = "http"
	}
	repeated := retrier{inner: agent, backoff: o.backoff, transient: transientError}
	return &session{
		registry:  registry,
		scheme:    scheme,
		challenge: challenge,
		keychain:  o.keychain,
		transport: repeated,
		client:    &http.Client{Transport: repeated, CheckRedirect: keepCredentialsAt(registry.RegistryStr())},
		backoff:   o.backoff,
		accesses:  make(map[string]*access),
	}, nil
}

// keepCredentialsAt takes the credentials out of requests that are redirected away from host, as to a bucket. net/http
// alone would leave them in on the way to a subdomain.
func keepCredentialsAt(host string) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if len(via) >= 10 { // as many as net/http follows by default
			return errors.New("stopped after 10 redirects")
		}
		if req.URL.Host != host {
			req.Header.Del("Authorization")
		}
		return nil
	}
}

func (s *session) access(repo name.Repository) *access {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := repo.RepositoryStr()
	a, ok := s.accesses[key]
	if !ok {
		a = &access{repository: repo, keychain: s.keychain, challenge: s.challenge, transport: s.transport}
		s.accesses[key] = a
	}
	return a
}

// url is the address of what belongs to a repository: "manifests/TAG", "blobs/DIGEST".
func (s *session) url(repo name.Repository, rest string) *url.URL {
	return &url.URL{Scheme: s.scheme, Host: s.registry.RegistryStr(), Path: "/v2/" + repo.RepositoryStr() + "/" + rest}
}

// send makes a request on behalf of repo, with a token for scopes if the registry works with tokens.
// The caller ends the response with finish.
func (s *session) send(req *http.Request, repo name.Repository, scopes ...string) (*http.Response, error) {
	resp, fresh, err := s.sendOnce(req, repo, scopes)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || fresh || !replayable(req) {
		return resp, err
	}
	// The token was good once and may only have expired.
	finish(resp)
	s.access(repo).forget(req.Header.Get("Authorization"))
	if req, err = replay(req); err != nil {
		return nil, err
	}
	resp, _, err = s.sendOnce(req, repo, scopes)
	return resp, err
}

// sendOnce also tells whether the right to send was asked for just now.
func (s *session) sendOnce(req *http.Request, repo name.Repository, scopes []string) (resp *http.Response, fresh bool, err error) {
	fresh, err = s.authorize(req, repo, scopes)
	if err == nil {
		resp, err = s.client.Do(req)
	} else if req.Body != nil {
		_ = req.Body.Close()
	}
	switch {
	case err == nil:
		return resp, fresh, nil
	case req.Context().Err() != nil:
		return nil, fresh, req.Context().Err()
	}
	return nil, fresh, s.explain(err, repo)
}

func (s *session) authorize(req *http.Request, repo name.Repository, scopes []string) (fresh bool, err error) {
	// Uploads may continue at another host, at an address that carries its own right of access.
	if req.URL.Host != s.registry.RegistryStr() {
		return true, nil
	}
	value, fresh, err := s.access(repo).authorization(req.Context(), scopes)
	if err == nil && value != "" {
		req.Header.Set("Authorization", value)
	}
	return fresh, err
}

// expect turns a response with another status than those of ok into an error.
func (s *session) expect(resp *http.Response, repo name.Repository, ok ...int) error {
	err := transport.CheckError(resp, ok...)
	if err == nil {
		return nil
	}
	err = s.explain(err, repo)
	var refused *CredentialsError
	if errors.As(err, &refused) && !refused.Anonymous && s.access(repo).bearer() {
		// The token server took the credentials, so it is the token that does not allow enough. Registries answer that with 401 too.
		refused.Denied = true
	}
	return err
}

// explain gives an error of the transport the type that callers tell it apart by, unless it has one.
func (s *session) explain(err error, repo name.Repository) error {
	var (
		credentials *CredentialsError
		silence     *UnreachableError
	)
	if errors.As(err, &credentials) || errors.As(err, &silence) {
		return err
	}
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	err = answerAlone(err)
	if denied, refused := refusal(err); refused {
		access := s.access(repo)
		return &CredentialsError{
			Registry:   s.registry.Name(),
			Repository: repo.Name(),
			Denied:     denied,
			Anonymous:  access.anonymous(),
			Err:        err,
		}
	}
	var status *transport.Error
	if errors.As(err, &status) || !connectionFailed(err) {
		return err
	}
	return unreachable(s.registry, err)
}

func connectionFailed(err error) bool {
	var gaveUp *givenUpError
	return errors.As(err, &gaveUp) || transientError(err)
}

// finish reads what is left of a response, so that its connection can be used again, and closes it.
func finish(resp *http.Response) {
	const most = 64 << 10 // a longer answer costs more than a new connection
	_, _ = io.CopyN(io.Discard, resp.Body, most)
	_ = resp.Body.Close()
}
