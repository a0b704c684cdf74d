package publish

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/errgroup"
)

// Preview finds out what [Publish] would do, and does none of it: the result is as if it were done, if every blob can be mounted that the
// registry has elsewhere. If immutable tags would have to be moved, the error is an [*ImmutableError] beside the result.
//
// It asks what a client asks that pulls, so the right to push is not needed, and not asked for.
func Preview(ctx context.Context, items []Item, opts Options) (*Result, error) {
	o, sessions, entries, err := begin(ctx, items, opts, transport.PullScope)
	if err != nil {
		return nil, err
	}
	results, err := previewTransfers(ctx, sessions, entries, o)
	if err != nil {
		return nil, err
	}
	return newResult(entries, results), conflicts(entries, false)
}

// previewTransfers asks which blobs are there, and returns how each would come into its repository.
func previewTransfers(ctx context.Context, sessions sessions, entries []entry, o settings) ([]transferResult, error) {
	p := makePlan(entries)
	var (
		mu      sync.Mutex
		results []transferResult
	)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(o.maxRequests())
	for _, wave := range [][]transfer{p.first, p.second} {
		for _, t := range wave {
			g.Go(func() error {
				state, err := previewTransfer(ctx, sessions.of(t.repo), t)
				if err != nil {
					return fmt.Errorf("looking for %s of %s in %s: %w", t.blob.digest, entries[t.item].item.Name, t.repo, err)
				}
				mu.Lock()
				defer mu.Unlock()
				results = append(results, transferResult{t, state})
				return nil
			})
		}
	}
	return results, g.Wait()
}

// previewTransfer asks whether a blob is there, or where it would be mounted from.
func previewTransfer(ctx context.Context, s *session, t transfer) (State, error) {
	there, err := s.hasBlob(ctx, t.repo, t.blob.digest, transport.PullScope)
	switch {
	case err != nil:
		return "", err
	case there:
		return Existing, nil
	case t.known:
		return Mounted, nil
	}
	for _, from := range t.from {
		if there, err = s.hasBlob(ctx, from, t.blob.digest, transport.PullScope); err != nil {
			return "", err
		}
		if there {
			return Mounted, nil
		}
	}
	return Pushed, nil
}
