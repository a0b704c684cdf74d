package publish

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Resolve asks a registry for the digest of a reference: that of the index if the reference is one. It reads no image.
// Errors are [*NotFoundError], [*CredentialsError], [*UnreachableError], and a plain error for a reference that cannot be parsed.
func Resolve(ctx context.Context, reference string, opts Options) (v1.Hash, error) {
	o, err := opts.settings()
	if err != nil {
		return v1.Hash{}, err
	}
	ref, err := name.ParseReference(reference)
	if err != nil {
		return v1.Hash{}, err
	}
	digest, err := resolve(ctx, ref, o)
	if err != nil {
		return v1.Hash{}, fmt.Errorf("resolving %s: %w", reference, err)
	}
	return digest, nil
}

func resolve(ctx context.Context, ref name.Reference, o settings) (v1.Hash, error) {
	s, err := connect(ctx, ref.Context().Registry, o)
	if err != nil {
		return v1.Hash{}, err
	}
	return s.resolve(ctx, ref.Context(), ref.Identifier())
}

func (s *session) resolve(ctx context.Context, repo name.Repository, identifier string) (v1.Hash, error) {
	digest, found, err := s.findManifest(ctx, repo, identifier, transport.PullScope)
	if err == nil && !found { // some registries answer every HEAD so
		digest, found, err = s.readManifest(ctx, repo, identifier, transport.PullScope)
	}
	switch {
	case err != nil:
		return v1.Hash{}, err
	case !found:
		return v1.Hash{}, &NotFoundError{Reference: nameOf(repo, identifier)}
	}
	return digest, nil
}

// nameOf returns the reference to what a repository has under a tag or digest.
func nameOf(repo name.Repository, identifier string) string {
	if strings.Contains(identifier, ":") {
		return repo.Digest(identifier).Name()
	}
	return repo.Tag(identifier).Name()
}
