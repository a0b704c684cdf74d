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

// removeUnused removes records that were not used for some time. BuildKit has such a limit itself, but takes the removal of a record for a use of
// those that it is based on, which then stay: a base with 500 MB, for a command that nobody needs any more.
func (e *Engine) removeUnused(ctx context.Context, unused time.Duration) (freed int64, err error) {
	usage, err := e.client.DiskUsage(ctx)
	if err != nil {
		return 0, err
	}
	ids := unusedSince(usage, time.Now().Add(-unused))
	if len(ids) == 0 {
		return 0, nil
	}
	filters := make([]string, len(ids)) // what one of them matches goes
	for i, id := range ids {
		filters[i] = "id==" + id
	}
	return pruneCache(ctx, e.client, client.WithFilter(filters))
}

// unusedSince returns the IDs of the records that nothing uses, and nothing used since a time, nor anything that is based on them.
func unusedSince(usage []*client.UsageInfo, since time.Time) []string {
	used := lastUses(usage)
	var ids []string
	for _, u := range usage {
		if !u.InUse && used[u.ID].Before(since) {
			ids = append(ids, u.ID)
		}
	}
	return ids
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
		if freed, err = e.removeUnused(ctx, l.Unused); err != nil {
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
