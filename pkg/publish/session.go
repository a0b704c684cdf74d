package publish

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

// session makes the requests to one registry.
type session struct {
	registry  name.Registry
	namespace string // the registry that this one is asked for as a mirror; empty for none
	scheme    string
	challenge challenge // the first one; it may change for a repository
	keychain  authn.Keychain
	transport http.RoundTripper
	client    *http.Client
	repeat    repeater

	mu       sync.Mutex
	accesses map[string]*access // by repository
}

// connect asks a registry which protocol and which authentication it uses.
func connect(ctx context.Context, registry name.Registry, o settings) (*session, error) {
	waitings := &waitings{registry: registry.Name(), report: o.Waiting}
	guarded := guard{registries: o.Registries, inner: impatient{
		inner: transport.NewUserAgent(o.Transport, userAgent), patience: o.Patience, waitings: waitings,
	}}
	first := retrier{guarded, repeater{o.Backoff, transientOnceConnected, waitings}}
	plain := allowsPlain(o.Registries, registry.RegistryStr())
	answer := o.Greetings.once(greeted{registry, plain}, func() pong { return ping(ctx, registry, &http.Client{Transport: first}, plain) })
	if ctx.Err() != nil {
		return nil, fmt.Errorf("connecting to registry %s: %w", registry, ctx.Err())
	}
	if answer.err != nil {
		return nil, unreachable(registry, answer.err)
	}
	repeat := repeater{o.Backoff, transientError, waitings}
	repeated := retrier{guarded, repeat}
	return &session{
		registry:  registry,
		scheme:    answer.scheme,
		challenge: answer.challenge,
		keychain:  o.Keychain,
		transport: repeated,
		client:    &http.Client{Transport: repeated, CheckRedirect: keepCredentials},
		repeat:    repeat,
		accesses:  make(map[string]*access),
	}, nil
}

func (s *session) access(repo name.Repository) *access {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := repo.RepositoryStr()
	a, ok := s.accesses[key]
	if !ok {
		a = &access{
			repository: repo, keychain: s.keychain, challenge: s.challenge, scheme: s.scheme, transport: s.transport, repeat: s.repeat,
		}
		s.accesses[key] = a
	}
	return a
}

// serves reports whether an address is the registry's own.
func (s *session) serves(u *url.URL) bool {
	return sameHost(u, &url.URL{Scheme: s.scheme, Host: s.registry.RegistryStr()})
}

// url is the address of what belongs to a repository: "manifests/TAG", "blobs/DIGEST".
func (s *session) url(repo name.Repository, rest string) *url.URL {
	u := &url.URL{Scheme: s.scheme, Host: s.registry.RegistryStr(), Path: "/v2/" + repo.RepositoryStr() + "/" + rest}
	if s.namespace != "" { // https://github.com/containerd/containerd/blob/v2.4.2/core/remotes/docker/resolver.go (addNamespace)
		u.RawQuery = url.Values{"ns": {s.namespace}}.Encode()
	}
	return u
}

// send makes a request on behalf of repo, with a token for scopes if the registry works with tokens. If the registry refuses the token, and
// the request's body can be read again, the request is made once more with a new token.
// The caller ends the response with finish.
func (s *session) send(req *http.Request, repo name.Repository, scopes ...string) (*http.Response, error) {
	resp, again, err := s.sendOnce(req, repo, scopes)
	if err != nil || !again || !replayable(req) {
		return resp, err
	}
	finish(resp)
	if req, err = replay(req); err != nil {
		return nil, err
	}
	resp, _, err = s.sendOnce(req, repo, scopes)
	return resp, err
}

// sendOnce also reports whether the registry refused the credentials in a way that another attempt may fix.
func (s *session) sendOnce(req *http.Request, repo name.Repository, scopes []string) (resp *http.Response, again bool, err error) {
	fresh, err := s.authorize(req, repo, scopes)
	if err == nil {
		resp, err = s.client.Do(req)
	} else if req.Body != nil {
		_ = req.Body.Close()
	}
	switch {
	case err == nil:
		return resp, s.refused(req, resp, repo, fresh), nil
	case req.Context().Err() != nil:
		return nil, false, req.Context().Err()
	}
	return nil, false, s.explain(err, repo)
}

// refused reports whether a response refuses the credentials and another attempt may succeed.
func (s *session) refused(req *http.Request, resp *http.Response, repo name.Repository, fresh bool) bool {
	if !s.serves(req.URL) || resp.Request != nil && !s.serves(resp.Request.URL) {
		return false
	}
	authorization := req.Header.Get("Authorization")
	if resp.StatusCode == http.StatusUnauthorized {
		return s.access(repo).renew(resp.Header, authorization, fresh)
	}
	if resp.StatusCode < 300 && authorization != "" {
		s.access(repo).accept()
	}
	return false
}

func (s *session) authorize(req *http.Request, repo name.Repository, scopes []string) (fresh bool, err error) {
	// An upload may continue at another host. The address itself then grants access.
	if !s.serves(req.URL) {
		return true, nil
	}
	value, fresh, err := s.access(repo).authorization(req.Context(), scopes)
	if err == nil && value != "" {
		req.Header.Set("Authorization", value)
	}
	return fresh, err
}

// expect returns an error if the status of a response is none of ok.
func (s *session) expect(resp *http.Response, repo name.Repository, ok ...int) error {
	err := transport.CheckError(resp, ok...)
	if err == nil {
		return nil
	}
	err = s.explain(err, repo)
	var refused *CredentialsError
	if errors.As(err, &refused) && !refused.Anonymous && s.access(repo).bearer() {
		// The token server accepted the credentials, so the user is known, but may not do this. Some registries answer that with 401 too.
		refused.Denied = true
	}
	return err
}

// explain turns an error of the transport into one of the types of this package, unless it is one already.
func (s *session) explain(err error, repo name.Repository) error {
	var (
		credentials *CredentialsError
		silence     *UnreachableError
		file        *CredentialsFileError
		source      *sourceError // which is not about this registry
	)
	if errors.As(err, &credentials) || errors.As(err, &silence) || errors.As(err, &file) || errors.As(err, &source) {
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
