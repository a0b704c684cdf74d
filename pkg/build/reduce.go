package build

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pulpimg/pulpimg/internal/cachedir"
	"github.com/pulpimg/pulpimg/pkg/engine"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// Limits bound what is kept. What exceeds one of them goes. The zero value has no bounds.
type Limits struct {
	// Size is what may stay on disk, in bytes; 0 is no bound.
	Size int64
	// Unused is for how long something may be unused; 0 is no bound.
	Unused time.Duration
}

// A Reduction is what became of a cache, in bytes.
type Reduction struct{ Freed, Left int64 }

// Reduce removes from the cache what exceeds the limits and nobody uses: first the images of specs that are no longer there, then what was
// not used for longest, be it a record of the engine, a file layer, or a build. So all that the last build of a spec needs to be
// published stays until everything goes that was not used since.
//
// Only a running engine can remove a part of what it keeps, so an embedded engine is started if it keeps anything that may have to go. If it
// cannot be started, the rest of the cache is reduced to the limits, and the error says so. A remote engine keeps what it has on another
// disk, so the limits hold for it and for the cache each. Reduce calls inUse, if it is not nil, with each directory that stays as it is because
// somebody uses it.
func (c Cache) Reduce(ctx context.Context, o engine.Options, limits Limits, inUse func(dir string)) (Reduction, error) {
	dir, err := c.Path()
	if err != nil {
		return Reduction{}, err
	}
	o.CacheDir = cmp.Or(o.CacheDir, dir)
	r := reducer{cache: c, limits: limits, inUse: onceEach(inUse), now: time.Now(), engine: engineOf(o)}
	if o.Address != "" {
		return r.remote(ctx)
	}
	return r.embedded(ctx)
}

// A reducer reduces a cache.
type reducer struct {
	cache  Cache
	limits Limits
	inUse  func(dir string)
	now    time.Time
	engine anyEngine
}

// An anyEngine is what a reducer needs to know of an engine, whether it runs or not.
type anyEngine struct {
	status func(context.Context) (*engine.Info, error)
	start  func(context.Context) (runningEngine, error)
}

// A runningEngine is what a reducer needs of an engine.
type runningEngine interface {
	Records(context.Context) ([]engine.Record, error)
	Reduce(context.Context, engine.Limits) (freed int64, err error)
	Close() error
}

func engineOf(o engine.Options) anyEngine {
	o.AnySettings = true
	return anyEngine{
		status: func(ctx context.Context) (*engine.Info, error) { return engine.Status(ctx, o) },
		start:  func(ctx context.Context) (runningEngine, error) { return engine.Start(ctx, o) },
	}
}

// onceEach returns a function that hands each value on once.
func onceEach(f func(string)) func(string) {
	told := map[string]bool{}
	return func(s string) {
		if f != nil && !told[s] {
			told[s] = true
			f(s)
		}
	}
}

// remote reduces the cache of this machine and the cache of a remote engine, each to the limits.
func (r reducer) remote(ctx context.Context) (done Reduction, err error) {
	done, err = r.files(ctx)
	e, startErr := r.engine.start(ctx)
	if startErr != nil {
		return done, errors.Join(err, startErr)
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	limits := engine.Limits{Unused: r.limits.Unused, Size: cmp.Or(r.limits.Size, -1)}
	freed, engineErr := e.Reduce(ctx, limits)
	done.Freed += freed
	records, recordsErr := e.Records(ctx)
	for _, record := range records {
		done.Left += record.Size
	}
	return done, errors.Join(err, engineErr, recordsErr)
}

// files reduces the cache without the engine.
func (r reducer) files(ctx context.Context) (Reduction, error) {
	usage, err := r.cache.onDisk(ctx)
	if err != nil {
		return Reduction{}, err
	}
	things, lookErr := r.cache.things(ctx)
	freed, err := r.evict(ctx, things, usage)
	return Reduction{Freed: freed, Left: usage - freed}, errors.Join(lookErr, err)
}

// rounds bounds how often an engine is asked again: what its records take is not quite what its files take.
const rounds = 3

// embedded reduces the cache with the embedded engine's.
func (r reducer) embedded(ctx context.Context) (done Reduction, err error) {
	before, files, hasCache, err := r.measure(ctx)
	if err != nil {
		return Reduction{}, err
	}
	if r.limits.Unused == 0 && before <= r.limits.Size {
		return Reduction{Left: before}, nil
	}
	if hasCache {
		err = r.withEngine(ctx, files)
	} else {
		var things []thing
		things, err = r.cache.things(ctx)
		_, evictErr := r.evict(ctx, things, before)
		err = errors.Join(err, evictErr)
	}
	after, _, _, measureErr := r.measure(context.WithoutCancel(ctx))
	return Reduction{Freed: max(before-after, 0), Left: after}, errors.Join(err, measureErr)
}

// measure returns what the cache takes on disk, what of it is not the engine's, and whether the engine keeps more than its programs.
func (r reducer) measure(ctx context.Context) (all, files int64, hasCache bool, err error) {
	info, err := r.engine.status(ctx)
	if err != nil {
		return 0, 0, false, err
	}
	files, err = r.cache.onDisk(ctx)
	return files + info.DiskUsage, files, info.HasCache, err
}

// room is what an engine needs on a full disk to begin to free it, in bytes.
const room = 16 << 20

// withEngine reduces a cache with an engine that has to be started. If that fails, the rest is reduced by itself. If it fails because the disk
// is full, and there is a bound for the size, the rest gives what the engine may need.
func (r reducer) withEngine(ctx context.Context, files int64) error {
	err := r.onEngine(ctx)
	var stays *EngineStaysError
	if !errors.As(err, &stays) || ctx.Err() != nil {
		return err
	}
	things, lookErr := r.cache.things(ctx)
	alone := r
	if r.limits.Size > 0 && errors.Is(causeOf(err.Error()), ErrDiskFull) {
		alone.limits.Size = max(min(r.limits.Size, files-room), 1)
	}
	freed, evictErr := alone.evict(ctx, things, files)
	if freed > 0 && ctx.Err() == nil {
		if err = r.onEngine(ctx); !errors.As(err, &stays) {
			return err
		}
	}
	return errors.Join(err, lookErr, evictErr)
}

// onEngine starts the engine and reduces the cache. The error is an [EngineStaysError] if the engine cannot do it.
func (r reducer) onEngine(ctx context.Context) (err error) {
	e, err := r.engine.start(ctx)
	if err != nil {
		return &EngineStaysError{err}
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	for range rounds {
		total, _, _, err := r.measure(ctx)
		if err != nil {
			return err
		}
		if freed, err := r.round(ctx, e, total); err != nil || freed == 0 {
			return err
		}
	}
	return nil
}

// An EngineStaysError reports that the engine's cache could not be reduced, because the engine does not start or does not answer. The disk
// may be too full for it.
type EngineStaysError struct{ Err error }

func (e *EngineStaysError) Error() string { return fmt.Sprintf("the engine's cache stays: %v", e.Err) }

func (e *EngineStaysError) Unwrap() error { return e.Err }

// round removes what exceeds the limits now.
func (r reducer) round(ctx context.Context, e runningEngine, total int64) (freed int64, err error) {
	records, err := e.Records(ctx)
	if err != nil {
		return 0, &EngineStaysError{err}
	}
	things, lookErr := r.cache.things(ctx)
	var kept, chosen int64
	for _, record := range records {
		kept += record.Size
		if record.InUse || record.Size == 0 {
			continue
		}
		things = append(things, thing{lastUsed: record.LastUsed, remove: func(context.Context) (int64, error) {
			chosen += record.Size
			return record.Size, nil
		}})
	}
	freed, evictErr := r.evict(ctx, things, total)
	if freed -= chosen; ctx.Err() != nil {
		return freed, errors.Join(lookErr, evictErr)
	}
	limits := engine.Limits{Unused: r.limits.Unused, Size: -1}
	if chosen > 0 && r.limits.Size > 0 {
		limits.Size = kept - chosen
	}
	ofEngine, err := e.Reduce(ctx, limits)
	if err != nil {
		err = &EngineStaysError{err}
	}
	return freed + ofEngine, errors.Join(lookErr, evictErr, err)
}

// evict removes things until the limits are kept, and returns how many bytes that freed. At the beginning, there are as many as total.
func (r reducer) evict(ctx context.Context, things []thing, total int64) (int64, error) {
	slices.SortStableFunc(things, func(a, b thing) int {
		return cmp.Or(-compareBools(a.gone, b.gone), a.lastUsed.Compare(b.lastUsed))
	})
	e := eviction{reducer: r, total: total, stays: map[string]bool{}}
	for _, t := range things {
		e.offer(ctx, t)
		if t.shared == nil {
			// A layer that images shared may be shared no longer.
			waiting := e.waiting
			e.waiting = nil
			for _, w := range waiting {
				e.offer(ctx, w)
			}
		}
	}
	if ctx.Err() != nil {
		e.errs = append(e.errs, context.Cause(ctx))
	}
	return e.freed, errors.Join(e.errs...)
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// An eviction removes things.
type eviction struct {
	reducer
	total, freed int64
	waiting      []thing         // until nothing else needs their space
	stays        map[string]bool // the directories that somebody uses, or from which nothing can be removed
	errs         []error
}

// offer removes a thing if it exceeds a limit.
func (e *eviction) offer(ctx context.Context, t thing) {
	old := e.limits.Unused > 0 && e.now.Sub(t.lastUsed) > e.limits.Unused
	large := e.limits.Size > 0 && e.total-e.freed > e.limits.Size
	if !old && !large || e.stays[t.dir] || ctx.Err() != nil {
		return
	}
	if !old && t.shared != nil && t.shared() {
		e.waiting = append(e.waiting, t)
		return
	}
	n, err := t.remove(ctx)
	e.freed += n
	switch {
	case err == nil || errors.Is(err, layout.ErrUsed):
	case errors.Is(err, cachedir.ErrInUse):
		e.stays[t.dir] = true
		e.inUse(t.dir)
	default:
		e.stays[t.dir] = true
		e.errs = append(e.errs, err)
	}
}
