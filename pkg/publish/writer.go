package publish

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// A Writer stores single images of which a repository has the layers, and reads over the same connections. It is for what belongs to images that
// [Publish] has published: it moves a tag without a look at what that points to, and does not look again.
type Writer struct{ Reader }

// NewWriter returns a Writer. It knows no mirrors.
func NewWriter(opts Options) (*Writer, error) {
	o, err := opts.settings()
	return &Writer{Reader{settings: o}}, err
}

// Put stores an image of the OCI's media types under a tag: its config, and then its manifest. The repository has to have the layers. Errors are
// those of [Resolve].
func (w *Writer) Put(ctx context.Context, reference string, manifestData, config []byte) error {
	tag, err := name.NewTag(reference)
	if err != nil {
		return err
	}
	hash, size, err := v1.SHA256(bytes.NewReader(config))
	if err != nil {
		return err
	}
	content := blob{digest: hash, size: size, open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(config)), nil }}
	err = w.at(ctx, endpoint{registry: tag.Registry}, tag.Repository, func(s *session, repo name.Repository) error {
		there, err := s.hasBlob(ctx, repo, hash, transport.PushScope)
		if err != nil {
			return err
		}
		if !there {
			p := newProgress(nil, size)
			defer p.stop()
			if err := s.upload(ctx, repo, content, nil, p.of(repo, content, true)); err != nil {
				return err
			}
		}
		if err := s.putManifest(ctx, repo, tag.TagStr(), manifest{mediaType: types.OCIManifestSchema1, raw: manifestData}); err != nil {
			return s.explain(err, repo)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("storing %s: %w", reference, err)
	}
	return nil
}
