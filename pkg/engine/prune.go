package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/moby/buildkit/client"
)

// Prune removes everything from the engine's cache that no running build uses,
// and returns how much that was, in bytes. The embedded engine is not started for it,
// so that it works where there is no space left to start one; while another pulpimg uses it,
// Prune waits. Programs unpacked by other versions of pulpimg are removed as well.
func Prune(ctx context.Context, o Options) (freed int64, err error) {
	if o.Address == "" {
		return pruneEmbedded(ctx, o)
	}
	e, err := connect(ctx, o.Address, o.TLS)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	if freed, err = pruneCache(ctx, e.client); err != nil {
		return freed, fmt.Errorf("free the engine's disk: %w", err)
	}
	return freed, nil
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
