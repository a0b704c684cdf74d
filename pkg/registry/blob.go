package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// hasBlob asks whether repo holds a blob.
func (s *session) hasBlob(ctx context.Context, repo name.Repository, digest v1.Hash) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, s.url(repo, "blobs/"+digest.String()).String(), nil)
	if err != nil {
		return false, err
	}
	resp, err := s.send(req, repo, repo.Scope(transport.PushScope))
	if err != nil {
		return false, err
	}
	defer finish(resp)
	if err := s.expect(resp, repo, http.StatusOK, http.StatusNotFound); err != nil {
		if isDenied(err) {
			return false, nil
		}
		return false, err
	}
	return resp.StatusCode == http.StatusOK, nil
}

// mount has a blob taken over from another repository of the registry. A registry that does not, in whichever way,
// is no error: then the blob is to be uploaded, to location if it gives one.
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#mounting-a-blob-from-another-repository
func (s *session) mount(ctx context.Context, repo name.Repository, digest v1.Hash, from name.Repository) (mounted bool, location *url.URL, err error) {
	query := url.Values{"mount": {digest.String()}, "from": {from.RepositoryStr()}}
	resp, err := s.postUpload(ctx, repo, query, repo.Scope(transport.PushScope), from.Scope(transport.PullScope))
	if err != nil {
		var answer *transport.Error
		if errors.As(err, &answer) {
			err = nil
		}
		return false, nil, err
	}
	defer finish(resp)
	if resp.StatusCode == http.StatusCreated {
		return true, nil, nil
	}
	location, err = s.location(resp)
	return false, location, err
}

// beginUpload asks for an address to upload a blob to.
func (s *session) beginUpload(ctx context.Context, repo name.Repository) (*url.URL, error) {
	resp, err := s.postUpload(ctx, repo, nil, repo.Scope(transport.PushScope))
	if err != nil {
		return nil, err
	}
	defer finish(resp)
	return s.location(resp)
}

func (s *session) postUpload(ctx context.Context, repo name.Repository, query url.Values, scopes ...string) (*http.Response, error) {
	u := s.url(repo, "blobs/uploads/")
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := s.send(req, repo, scopes...)
	if err != nil {
		return nil, err
	}
	if err := s.expect(resp, repo, http.StatusCreated, http.StatusAccepted); err != nil {
		finish(resp)
		return nil, err
	}
	return resp, nil
}

// location reads where an upload continues.
func (s *session) location(resp *http.Response) (*url.URL, error) {
	u, err := resp.Location()
	if err != nil {
		return nil, fmt.Errorf("registry %s does not say where to upload to: %w", s.registry, err)
	}
	switch {
	case u.Host == s.registry.RegistryStr():
		u.Scheme = s.scheme // a registry behind a proxy that ends TLS believes that it is spoken to in plain http
	case s.scheme == "https" && u.Scheme != "https":
		return nil, fmt.Errorf("registry %s wants the blob uploaded to %s without encryption", s.registry, u.Host)
	}
	return u, nil
}

// errStored says that an upload is not needed after all.
var errStored = errors.New("the blob is in the repository")

// upload sends a blob to location, or to a new one if that is nil. A broken upload is begun anew: its session keeps what
// arrived, and registries differ in how they let one go on.
func (s *session) upload(ctx context.Context, repo name.Repository, b blob, location *url.URL, g *gauge) error {
	resp, err := s.backoff.do(ctx, transientError, func(attempt int) (_ *http.Response, err error) {
		if attempt > 1 {
			location = nil
			there, err := s.hasBlob(ctx, repo, b.digest)
			if err != nil {
				return nil, err
			}
			if there { // the blob arrived, and only the answer got lost
				return nil, errStored
			}
		}
		if location == nil {
			if location, err = s.beginUpload(ctx, repo); err != nil {
				return nil, err
			}
		}
		return s.put(ctx, repo, b, location, g)
	})
	switch {
	case errors.Is(err, errStored):
		return nil
	case err != nil:
		return s.explain(err, repo)
	}
	defer finish(resp)
	return s.expect(resp, repo, http.StatusCreated, http.StatusNoContent)
}

// put sends the whole blob in one request.
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#post-then-put
func (s *session) put(ctx context.Context, repo name.Repository, b blob, location *url.URL, g *gauge) (*http.Response, error) {
	content, err := b.open()
	if err != nil {
		return nil, fmt.Errorf("opening the blob: %w", err)
	}
	u := *location
	q := u.Query()
	q.Set("digest", b.digest.String())
	u.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, u.String(), g.watch(content))
	if err != nil {
		return nil, errors.Join(err, content.Close())
	}
	req.ContentLength = b.size
	req.Header.Set("Content-Type", "application/octet-stream")
	return s.send(req, repo, repo.Scope(transport.PushScope))
}
