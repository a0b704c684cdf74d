package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/moby/buildkit/client"
)

// A Record is something that an engine's cache holds.
type Record struct {
	Size     int64 // in bytes
	LastUsed time.Time
	// InUse reports whether a running build uses it. Then it stays.
	InUse bool
}

// Records lists what the engine's cache holds.
func (e *Engine) Records(ctx context.Context) ([]Record, error) {
	if e.client == nil {
		return nil, errNotStarted
	}
	usage, err := e.client.DiskUsage(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking the engine what it stores: %w", err)
	}
	return recordsOf(usage), nil
}

func recordsOf(usage []*client.UsageInfo) []Record {
	used := lastUses(usage)
	var records []Record
	for _, u := range usage {
		if !u.Shared { // the space of a shared record is counted with another one
			records = append(records, Record{Size: u.Size, LastUsed: used[u.ID], InUse: u.InUse})
		}
	}
	return records
}

// lastUses returns when each record was last used, by its ID. A record cannot go before those that are based on it, so it was used when they
// were.
func lastUses(usage []*client.UsageInfo) map[string]time.Time {
	parents, used := map[string][]string{}, map[string]time.Time{}
	var use func(id string, at time.Time)
	use = func(id string, at time.Time) {
		if used[id].Before(at) {
			used[id] = at
			for _, parent := range parents[id] {
				use(parent, at)
			}
		}
	}
	for _, u := range usage {
		parents[u.ID] = u.Parents
	}
	for _, u := range usage {
		at := u.CreatedAt
		if u.LastUsedAt != nil {
			at = *u.LastUsedAt
		}
		use(u.ID, at)
	}
	return used
}

// Limits bound what an engine's cache holds.
type Limits struct {
	// Unused is for how long a record may be unused; 0 is no bound.
	Unused time.Duration
	// Size is what the records may take together, in bytes; -1 is no bound.
	Size int64
}

// Reduce removes from the engine's cache what exceeds the limits and is not in use, and returns how many bytes that freed. For the limit
// of the size, the engine chooses what goes; it prefers what was used long ago, and seldom.
func (e *Engine) Reduce(ctx context.Context, l Limits) (freed int64, err error) {
	if e.client == nil {
		return 0, errNotStarted
	}
	if l.Unused > 0 {
		if freed, err = pruneCache(ctx, e.client, client.WithKeepOpt(l.Unused, 0, 0, 0)); err != nil {
			return freed, fmt.Errorf("reducing the engine's cache: %w", err)
		}
	}
	if l.Size >= 0 {
		// BuildKit removes records as long as they take this or more. It takes 0 for no bound.
		n, err := pruneCache(ctx, e.client, client.WithKeepOpt(0, 0, l.Size+1, 0))
		if freed += n; err != nil {
			return freed, fmt.Errorf("reducing the engine's cache: %w", err)
		}
	}
	return freed, nil
}
