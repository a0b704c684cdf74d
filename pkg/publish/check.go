package publish

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/errgroup"
)

// cancelTime is how long cancelling an upload may take. It is only a courtesy.
const cancelTime = 5 * time.Second

// CheckAccess checks whether images can be published under references, before they are built. It begins an upload in each repository and
// cancels it: no other request shows in every registry whether uploads will be allowed. It leaves nothing behind but, in some registries, a
// repository without images.
//
// Errors are those of [Publish] before anything was sent.
func CheckAccess(ctx context.Context, references []name.Tag, opts Options) error {
	o, err := opts.settings()
	if err != nil {
		return err
	}
	items := make([]Item, len(references))
	for i, r := range references {
		items[i].Reference = r
	}
	sessions, err := connectAll(ctx, items, o)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(o.maxRequests())
	tried := make(map[name.Repository]bool)
	for _, r := range references {
		if tried[r.Repository] {
			continue
		}
		tried[r.Repository] = true
		g.Go(func() error {
			if err := sessions.of(r.Repository).tryUpload(ctx, r.Repository); err != nil {
				return fmt.Errorf("trying whether %s can be published: %w", r.Name(), err)
			}
			return nil
		})
	}
	return g.Wait()
}

// tryUpload begins an upload and cancels it. A failure to cancel is ignored: registries forget uploads after some time.
func (s *session) tryUpload(ctx context.Context, repo name.Repository) error {
	location, err := s.beginUpload(ctx, repo)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, cancelTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, location.String(), nil)
	if err != nil {
		return err
	}
	if resp, err := s.send(req, repo, repo.Scope(transport.PushScope)); err == nil {
		finish(resp)
	}
	return nil
}
