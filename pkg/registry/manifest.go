package registry

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

// acceptManifests names every kind, because a registry may answer with another manifest than the one that the tag
// points to, if that one is of a kind that was not asked for.
func acceptManifests() string {
	return strings.Join([]string{
		string(types.OCIImageIndex), string(types.OCIManifestSchema1),
		string(types.DockerManifestList), string(types.DockerManifestSchema2),
	}, ", ")
}

// headManifest asks for the digest of what repo has under a tag or digest. The digest is the zero value if the
// registry does not tell.
func (s *session) headManifest(ctx context.Context, repo name.Repository, identifier, action string) (digest v1.Hash, found bool, err error) {
	resp, err := s.askManifest(ctx, http.MethodHead, repo, identifier, action)
	if err != nil {
		return v1.Hash{}, false, err
	}
	defer finish(resp)
	if err := s.expect(resp, repo, http.StatusOK, http.StatusNotFound); err != nil {
		return v1.Hash{}, false, err
	}
	if resp.StatusCode == http.StatusNotFound {
		return v1.Hash{}, false, nil
	}
	// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#checking-if-content-exists-in-the-registry
	digest, err = v1.NewHash(resp.Header.Get("Docker-Content-Digest"))
	if err != nil {
		return v1.Hash{}, true, nil
	}
	return digest, true, nil
}

// hashManifest reads a manifest for its digest.
func (s *session) hashManifest(ctx context.Context, repo name.Repository, identifier string) (v1.Hash, error) {
	resp, err := s.askManifest(ctx, http.MethodGet, repo, identifier, transport.PullScope)
	if err != nil {
		return v1.Hash{}, err
	}
	defer finish(resp)
	if err := s.expect(resp, repo, http.StatusOK); err != nil {
		return v1.Hash{}, err
	}
	digest, size, err := v1.SHA256(io.LimitReader(resp.Body, maxManifest+1))
	if err == nil && size > maxManifest {
		err = fmt.Errorf("its manifest is longer than %d bytes", maxManifest)
	}
	return digest, err
}

func (s *session) askManifest(ctx context.Context, method string, repo name.Repository, identifier, action string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.url(repo, "manifests/"+identifier).String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", acceptManifests())
	return s.send(req, repo, repo.Scope(action))
}

// putManifest stores m in repo under its digest or under a tag, which then points to it.
func (s *session) putManifest(ctx context.Context, repo name.Repository, identifier string, m manifest) error {
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
