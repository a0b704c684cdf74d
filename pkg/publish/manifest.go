package publish

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// maxManifest is how much of a manifest is read, the least that a registry should take and the most that many do:
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests
const maxManifest = 4 << 20

// acceptManifests lists all media types: if the manifest that a tag points to is of a type that was not asked for, a registry may answer
// with another manifest.
func acceptManifests() string {
	return strings.Join([]string{
		string(types.OCIImageIndex), string(types.OCIManifestSchema1),
		string(types.DockerManifestList), string(types.DockerManifestSchema2),
	}, ", ")
}

// findManifest asks for the digest of what repo has under a tag or digest. If HEAD does not tell the digest, it uses GET.
func (s *session) findManifest(ctx context.Context, repo name.Repository, identifier, action string) (digest v1.Hash, found bool, err error) {
	resp, err := s.askManifest(ctx, http.MethodHead, repo, identifier, action)
	if err != nil {
		return v1.Hash{}, false, err
	}
	defer finish(resp)
	if unsupported(resp.StatusCode) {
		return s.readManifest(ctx, repo, identifier, action)
	}
	if err := s.expect(resp, repo, http.StatusOK, http.StatusNotFound); err != nil {
		return v1.Hash{}, false, err
	}
	if resp.StatusCode == http.StatusNotFound {
		return v1.Hash{}, false, nil
	}
	// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#checking-if-content-exists-in-the-registry
	if digest, err = v1.NewHash(resp.Header.Get("Docker-Content-Digest")); err != nil {
		return s.readManifest(ctx, repo, identifier, action)
	}
	return digest, true, nil
}

// readManifest reads what repo has under a tag or digest, and computes its digest from the bytes.
func (s *session) readManifest(ctx context.Context, repo name.Repository, identifier, action string) (digest v1.Hash, found bool, err error) {
	_, err = s.repeat.do(ctx, func(int) (*http.Response, error) {
		digest, found, err = s.readManifestOnce(ctx, repo, identifier, action)
		return nil, err
	})
	if err != nil {
		return v1.Hash{}, false, s.explain(err, repo)
	}
	return digest, found, nil
}

func (s *session) readManifestOnce(ctx context.Context, repo name.Repository, identifier, action string) (digest v1.Hash, found bool, err error) {
	resp, err := s.askManifest(ctx, http.MethodGet, repo, identifier, action)
	if err != nil {
		return v1.Hash{}, false, err
	}
	defer finish(resp)
	if err := s.expect(resp, repo, http.StatusOK, http.StatusNotFound); err != nil || resp.StatusCode == http.StatusNotFound {
		return v1.Hash{}, false, err
	}
	digest, size, err := v1.SHA256(io.LimitReader(resp.Body, maxManifest+1))
	if err == nil && size > maxManifest {
		err = fmt.Errorf("its manifest is longer than %d bytes", maxManifest)
	}
	return digest, err == nil, err
}

func (s *session) askManifest(ctx context.Context, method string, repo name.Repository, identifier, action string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.url(repo, "manifests/"+identifier).String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", acceptManifests())
	if method == http.MethodGet {
		req.Header.Set("Cache-Control", "no-cache") // a cache may not know yet that the tag has moved
	}
	return s.send(req, repo, repo.Scope(action))
}

// putManifest stores m in repo under its digest or under a tag, which then points to it. It is repeated if the registry does not see a
// blob or manifest yet that was stored just before.
func (s *session) putManifest(ctx context.Context, repo name.Repository, identifier string, m manifest) error {
	repeat := s.repeat
	repeat.transient = lostOrTransient
	_, err := repeat.do(ctx, func(int) (*http.Response, error) {
		err := s.putManifestOnce(ctx, repo, identifier, m)
		if hasCode(err, transport.ManifestBlobUnknownErrorCode, transport.BlobUnknownErrorCode, transport.ManifestUnknownErrorCode) && !gaveUp(err) {
			return nil, &lostError{err}
		}
		return nil, err
	})
	return err
}

func (s *session) putManifestOnce(ctx context.Context, repo name.Repository, identifier string, m manifest) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, s.url(repo, "manifests/"+identifier).String(), bytes.NewReader(m.raw))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", string(m.mediaType))
	resp, err := s.send(req, repo, repo.Scope(transport.PushScope))
	if err != nil {
		return err
	}
	defer finish(resp)
	return s.expect(resp, repo, http.StatusOK, http.StatusCreated, http.StatusAccepted)
}
