package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/moby/buildkit/client"
)

// Prune removes from the engine's cache what no running build uses, and returns how many bytes that freed. It does not start the embedded
// engine, and so it works when the disk is too full to start it. While another pulpimg uses the embedded engine, Prune waits. It also
// removes the programs that other versions of pulpimg unpacked.
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
		return freed, fmt.Errorf("emptying the engine's cache: %w", err)
	}
	return freed, nil
}

// pruneCache removes records of all kinds, and returns how many bytes they took.
func pruneCache(ctx context.Context, c *client.Client, limits ...client.PruneOption) (int64, error) {
	removed := make(chan client.UsageInfo)
	sum := make(chan int64)
	go func() {
		var n int64
		for u := range removed {
			n += u.Size
		}
		sum <- n
	}()
	err := c.Prune(ctx, removed, append(limits, client.PruneAll)...)
	close(removed)
	return <-sum, err
}
