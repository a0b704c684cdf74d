package publish

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Tagged reads the manifest that a tag points to. It asks the registry itself, and no mirror, which may have what the tag pointed to before.
// Errors are those of [Resolve].
func (r *Reader) Tagged(ctx context.Context, reference string) ([]byte, error) {
	tag, err := name.NewTag(reference)
	if err != nil {
		return nil, err
	}
	var data []byte
	err = r.at(ctx, endpoint{registry: tag.Registry}, tag.Repository, func(s *session, repo name.Repository) error {
		read, found, err := s.manifest(ctx, repo, tag.TagStr())
		if err == nil && !found {
			err = &NotFoundError{Reference: tag.Name()}
		}
		data = read
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", reference, err)
	}
	return data, nil
}

// TagDigest asks what a tag points to, and reads nothing. It asks the registry itself, and no mirror. Errors are those of [Resolve].
func (r *Reader) TagDigest(ctx context.Context, reference string) (digest.Digest, error) {
	tag, err := name.NewTag(reference)
	if err != nil {
		return "", err
	}
	var hash v1.Hash
	err = r.at(ctx, endpoint{registry: tag.Registry}, tag.Repository, func(s *session, repo name.Repository) error {
		got, found, err := s.findManifest(ctx, repo, tag.TagStr(), transport.PullScope)
		if err == nil && !found {
			err = &NotFoundError{Reference: tag.Name()}
		}
		hash = got
		return err
	})
	if err != nil {
		return "", fmt.Errorf("asking for %s: %w", reference, err)
	}
	return digest.Digest(hash.String()), nil
}

// HasBlob reports whether the repository of a reference has a blob that this user may read. It asks the registry itself, and no mirror. Errors
// are those of [Resolve].
func (r *Reader) HasBlob(ctx context.Context, reference string, desc ocispec.Descriptor) (bool, error) {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return false, err
	}
	hash, err := v1.NewHash(desc.Digest.String())
	if err != nil {
		return false, err
	}
	has := false
	err = r.at(ctx, endpoint{registry: ref.Context().Registry}, ref.Context(), func(s *session, repo name.Repository) (err error) {
		has, err = s.hasBlob(ctx, repo, hash, transport.PullScope)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("asking %s for the blob %s: %w", ref.Context(), desc.Digest, err)
	}
	return has, nil
}

// AtDigest returns the reference of a manifest in the repository of another reference.
func AtDigest(reference string, d digest.Digest) (string, error) {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return "", err
	}
	return ref.Context().Digest(d.String()).Name(), nil
}
