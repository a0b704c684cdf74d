package publish

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// hasBlob asks whether repo holds a blob. If the credentials do not suffice to learn that, the answer is no, and the blob is uploaded.
func (s *session) hasBlob(ctx context.Context, repo name.Repository, digest v1.Hash, action string) (bool, error) {
	resp, err := s.askBlob(ctx, http.MethodHead, repo, digest, action)
	if err != nil {
		return false, err
	}
	if unsupported(resp.StatusCode) {
		finish(resp)
		if resp, err = s.askBlob(ctx, http.MethodGet, repo, digest, action); err != nil {
			return false, err
		}
	}
	defer finish(resp)
	if unsupported(resp.StatusCode) {
		return false, nil
	}
	if err := s.expect(resp, repo, http.StatusOK, http.StatusPartialContent, http.StatusNotFound); err != nil {
		if isDenied(err) {
			return false, nil
		}
		return false, err
	}
	return resp.StatusCode != http.StatusNotFound, nil
}

func (s *session) askBlob(ctx context.Context, method string, repo name.Repository, digest v1.Hash, action string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.url(repo, "blobs/"+digest.String()).String(), nil)
	if err != nil {
		return nil, err
	}
	if method == http.MethodGet {
		req.Header.Set("Range", "bytes=0-0") // its content is not wanted
	}
	return s.send(req, repo, repo.Scope(action))
}

// unsupported reports whether a status may only mean that the registry, or a proxy in front of it, does not support HEAD, or not for
// something that does not exist yet.
func unsupported(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotAcceptable,
		http.StatusRequestedRangeNotSatisfiable, http.StatusNotImplemented:
		return true
	}
	return false
}

// mount asks the registry to take a blob from another of its repositories. If the registry refuses, in whichever way, that
// is no error: the caller uploads the blob, to location if there is one.
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

// location reads the address at which an upload continues.
func (s *session) location(resp *http.Response) (*url.URL, error) {
	u, err := resp.Location()
	switch {
	case err != nil:
		return nil, fmt.Errorf("registry %s does not say where to upload to: %w", s.registry, err)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("registry %s wants the blob uploaded to %s, which is not an address", s.registry, u)
	case s.serves(u):
		u.Scheme, u.Host = s.scheme, s.registry.RegistryStr() // a registry behind a proxy may not know the address that its clients use
	case s.scheme == "https" && u.Scheme != "https":
		return nil, fmt.Errorf("registry %s wants the blob uploaded to %s without encryption: %w", s.registry, u.Host,
			&PlainHTTPError{Host: u.Host, Lowered: true})
	}
	return u, nil
}

// errStored is returned by an attempt to upload a blob that the repository already has.
var errStored = errors.New("the blob is in the repository")

// lostError is an answer in which the registry does not know something that it got before: an upload, a blob or a manifest. It may
// have forgotten it, or may not see it yet.
type lostError struct{ err error }

func (e *lostError) Error() string { return e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

func lostOrTransient(err error) bool {
	var lost *lostError
	return errors.As(err, &lost) && !gaveUp(err) || transientError(err)
}

func gaveUp(err error) bool {
	var gaveUp *givenUpError
	return errors.As(err, &gaveUp)
}

// upload sends a blob to location, or to a new one if that is nil. A broken upload starts again from the first byte, because registries
// differ in how they continue one. So does an upload whose session the registry forgot, or whose token expired.
func (s *session) upload(ctx context.Context, repo name.Repository, b blob, location *url.URL, p *blobProgress) error {
	repeat := s.repeat
	repeat.transient = lostOrTransient
	refused := false
	resp, err := repeat.do(ctx, func(attempt int) (*http.Response, error) {
		if attempt > 1 {
			location = nil
			there, err := s.hasBlob(ctx, repo, b.digest, transport.PushScope)
			if err != nil {
				return nil, err
			}
			if there { // the blob arrived, and only the answer got lost
				return nil, errStored
			}
		}
		resp, again, err := s.uploadOnce(ctx, repo, b, location, p)
		switch {
		case err != nil:
			return nil, err
		case again && !refused:
			refused = true
			return nil, &lostError{s.statusError(resp, repo)}
		case uploadLost(resp.StatusCode):
			return nil, &lostError{s.statusError(resp, repo)}
		case resp.StatusCode == http.StatusBadRequest:
			return nil, s.badUpload(resp, repo)
		}
		return resp, nil
	})
	switch {
	case errors.Is(err, errStored):
		return nil
	case err != nil:
		return s.explain(err, repo)
	}
	defer finish(resp)
	return s.expect(resp, repo, http.StatusCreated, http.StatusNoContent, http.StatusOK)
}

func (s *session) uploadOnce(ctx context.Context, repo name.Repository, b blob, location *url.URL, p *blobProgress) (*http.Response, bool, error) {
	if location == nil {
		var err error
		if location, err = s.beginUpload(ctx, repo); err != nil {
			return nil, false, err
		}
	}
	resp, again, err := s.put(ctx, repo, b, location, p)
	if err == nil && resp.StatusCode == http.StatusUnauthorized && !s.serves(location) {
		finish(resp)
		return nil, false, fmt.Errorf("registry %s wants the blob uploaded to %s, which wants credentials that only the registry gets",
			s.registry, location.Host)
	}
	return resp, again, err
}

// uploadLost reports whether a status says that the registry does not know an upload that it began.
func uploadLost(status int) bool {
	switch status {
	case http.StatusNotFound, http.StatusGone, http.StatusConflict, http.StatusRequestedRangeNotSatisfiable:
		return true
	}
	return false
}

// badUpload reads and closes the response to an upload that has the status 400. The error is a lostError if the registry no longer knows
// the upload.
func (s *session) badUpload(resp *http.Response, repo name.Repository) error {
	err := s.statusError(resp, repo)
	if hasCode(err, transport.BlobUploadUnknownErrorCode, transport.BlobUploadInvalidErrorCode) {
		return &lostError{err}
	}
	return err
}

// statusError reads and closes a response, and returns it as an error.
func (s *session) statusError(resp *http.Response, repo name.Repository) error {
	defer finish(resp)
	return s.expect(resp, repo)
}

// hasCode reports whether an error is a registry's answer with one of codes.
func hasCode(err error, codes ...transport.ErrorCode) bool {
	var status *transport.Error
	return errors.As(err, &status) && slices.ContainsFunc(status.Errors, func(d transport.Diagnostic) bool {
		return slices.Contains(codes, d.Code)
	})
}

// put sends the whole blob in one request.
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#post-then-put
func (s *session) put(ctx context.Context, repo name.Repository, b blob, location *url.URL, p *blobProgress) (resp *http.Response, again bool, err error) {
	content, err := b.open()
	if err != nil {
		return nil, false, fmt.Errorf("opening the blob: %w", err)
	}
	u := *location
	// The query stays as it is: it may be signed.
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += url.Values{"digest": {b.digest.String()}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, u.String(), p.watch(content))
	if err != nil {
		return nil, false, errors.Join(err, content.Close())
	}
	req.ContentLength = b.size
	req.Header.Set("Content-Type", "application/octet-stream")
	return s.sendOnce(req, repo, []string{repo.Scope(transport.PushScope)})
}
