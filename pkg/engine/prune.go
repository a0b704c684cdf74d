package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/moby/buildkit/client"
)

// Prune removes everything from the engine's cache that no running build uses,
// and returns how much that was, in bytes. The embedded engine is started for it,
// after waiting for another pulpimg that uses it; programs unpacked by other
// versions of pulpimg are removed as well.
func Prune(ctx context.Context, o Options) (freed int64, err error) {
	e, err := Start(ctx, o)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	freed, err = pruneCache(ctx, e.client)
	if err != nil {
		return freed, errors.Join(fmt.Errorf("free the engine's disk: %w", err), e.Err())
	}
	if e.kind == Remote {
		return freed, nil
	}
	programs, err := e.daemon.pruneBins(ctx)
	return freed + programs, err
}

func pruneCache(ctx context.Context, c *client.Client) (int64, error) {
	removed := make(chan client.UsageInfo)
	sum := make(chan int64)
	go func() {
		var n int64
		for u := range removed {
			n += u.Size
		}
		sum <- n
	}()
	err := c.Prune(ctx, removed, client.PruneAll)
	close(removed)
	return <-sum, err
}
