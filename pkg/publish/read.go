package publish

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/registries"
)

// A Reader reads from registries. It asks each registry once for its protocol and its authentication, and each token server for one token
// while that is valid. One that did not answer is not asked again. Methods may be called at the same time.
//
// Mirrors that [registries.Host] names are asked first, as an engine does: what comes from one of them counts as what the registry has.
type Reader struct {
	settings settings

	mu          sync.Mutex
	connections map[endpoint]*connection
}

// NewReader returns a Reader. Of hosts, what is said of them as mirrors counts too.
func NewReader(opts Options) (*Reader, error) {
	if opts.Registries == nil {
		var err error
		if opts.Registries, err = registries.Load(registries.Options{}); err != nil {
			return nil, err
		}
	}
	opts.Registries = opts.Registries.ForPulls()
	o, err := opts.settings()
	return &Reader{settings: o}, err
}

// Digest asks for the digest of a reference: that of the index if the reference is one. Errors are those of [Resolve].
func (r *Reader) Digest(ctx context.Context, reference string) (digest.Digest, error) {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return "", err
	}
	var found digest.Digest
	err = r.each(ctx, ref.Context(), func(s *session, repo name.Repository) error {
		hash, err := s.resolve(ctx, repo, ref.Identifier())
		found = digest.Digest(hash.String())
		return err
	})
	if err != nil {
		return "", fmt.Errorf("resolving %s: %w", reference, err)
	}
	return found, nil
}

// Manifest reads the manifest or the index that a reference with a digest stands for. Errors are those of [Resolve], and a [*ContentError].
func (r *Reader) Manifest(ctx context.Context, reference string) ([]byte, error) {
	ref, err := name.NewDigest(reference)
	if err != nil {
		return nil, err
	}
	var data []byte
	err = r.each(ctx, ref.Context(), func(s *session, repo name.Repository) error {
		read, found, err := s.manifest(ctx, repo, ref.DigestStr())
		switch {
		case err != nil:
			return err
		case !found:
			return &NotFoundError{Reference: repo.Name() + "@" + ref.DigestStr()}
		}
		data = read
		return check(repo, digest.Digest(ref.DigestStr()), data)
	})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", reference, err)
	}
	return data, nil
}

// Blob opens a blob in the repository of a reference. What is read is compared with the digest and the size at its end: until Read has
// returned [io.EOF], it may be anything. A broken connection is made again, and the reading continues. The context is that of the reading, too.
// Errors are those of [Resolve], and a [*ContentError].
func (r *Reader) Blob(ctx context.Context, reference string, desc ocispec.Descriptor) (io.ReadCloser, error) {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return nil, err
	}
	if err := desc.Digest.Validate(); err != nil {
		return nil, fmt.Errorf("reading blob %q of %s: %w", desc.Digest, reference, err)
	}
	var opened *blobReader
	err = r.each(ctx, ref.Context(), func(s *session, repo name.Repository) error {
		opened = &blobReader{ctx: ctx, session: s, repo: repo, desc: desc, verifier: desc.Digest.Verifier()}
		return opened.open()
	})
	if err != nil {
		return nil, fmt.Errorf("reading blob %s of %s: %w", desc.Digest, reference, err)
	}
	return opened, nil
}

// A ContentError reports that a registry has another content under a digest.
type ContentError struct {
	Repository string
	Digest     digest.Digest
	Reason     string
}

func (e *ContentError) Error() string {
	return fmt.Sprintf("what %s has as %s is something else: %s", e.Repository, e.Digest, e.Reason)
}

// check compares a content with its digest.
func check(repo name.Repository, want digest.Digest, data []byte) error {
	if err := want.Validate(); err != nil {
		return err
	}
	if got := want.Algorithm().FromBytes(data); got != want {
		return &ContentError{Repository: repo.Name(), Digest: want, Reason: "it is " + got.String()}
	}
	return nil
}

// manifest reads what repo has under a tag or digest.
func (s *session) manifest(ctx context.Context, repo name.Repository, identifier string) (data []byte, found bool, err error) {
	_, err = s.repeat.do(ctx, func(int) (*http.Response, error) {
		data, found, err = s.manifestOnce(ctx, repo, identifier)
		return nil, err
	})
	if err != nil {
		return nil, false, s.explain(err, repo)
	}
	return data, found, nil
}

func (s *session) manifestOnce(ctx context.Context, repo name.Repository, identifier string) ([]byte, bool, error) {
	resp, err := s.askManifest(ctx, http.MethodGet, repo, identifier, transport.PullScope)
	if err != nil {
		return nil, false, err
	}
	defer finish(resp)
	if err := s.expect(resp, repo, http.StatusOK, http.StatusNotFound); err != nil || resp.StatusCode == http.StatusNotFound {
		return nil, false, err
	}
	var data bytes.Buffer
	n, err := io.Copy(&data, io.LimitReader(resp.Body, maxManifest+1))
	if err == nil && n > maxManifest {
		err = fmt.Errorf("its manifest is longer than %d bytes", maxManifest)
	}
	return data.Bytes(), err == nil, err
}
