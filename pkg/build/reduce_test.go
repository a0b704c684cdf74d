package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/cachedir"
	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/pkg/engine"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

const mb = 1_000_000

// An embedded engine that is a list of records.
type listedEngine struct {
	records []engine.Record
	fixed   int64 // what its programs take
	fails   int   // how many starts fail
	refused bool  // they fail for another reason than a full disk
	silent  bool  // it is not the start that fails, but the first question

	starts int
	asked  []engine.Limits
}

func (e *listedEngine) any() anyEngine {
	return anyEngine{
		status: func(context.Context) (*engine.Info, error) {
			info := &engine.Info{Kind: engine.Embedded, DiskUsage: e.fixed, HasCache: len(e.records) > 0}
			for _, r := range e.records {
				info.DiskUsage += r.Size
			}
			return info, nil
		},
		start: func(context.Context) (runningEngine, error) {
			if e.starts++; e.starts <= e.fails && !e.silent {
				return nil, e.failure()
			}
			return e, nil
		},
	}
}

func (e *listedEngine) failure() error {
	if e.refused {
		return errors.New("permission denied")
	}
	return fmt.Errorf("writing a record: %w", syscall.ENOSPC)
}

func (e *listedEngine) Close() error { return nil }

func (e *listedEngine) Records(context.Context) ([]engine.Record, error) {
	if e.starts <= e.fails {
		return nil, e.failure()
	}
	return e.records, nil
}

func (e *listedEngine) Reduce(_ context.Context, l engine.Limits) (freed int64, err error) {
	e.asked = append(e.asked, l)
	slices.SortFunc(e.records, func(a, b engine.Record) int { return a.LastUsed.Compare(b.LastUsed) })
	var total int64
	for _, r := range e.records {
		total += r.Size
	}
	e.records = slices.DeleteFunc(e.records, func(r engine.Record) bool {
		old := l.Unused > 0 && time.Since(r.LastUsed) > l.Unused
		large := l.Size >= 0 && total > l.Size
		if r.InUse || !old && !large {
			return false
		}
		total -= r.Size
		freed += r.Size
		return true
	})
	return freed, nil
}

// A kept cache is one with file layers and images of several ages.
type keptCache struct {
	Cache
	specs string // the directory of the specs
}

// images makes a layout of a spec with so many bytes, which was last used so long ago.
func (c keptCache) images(t *testing.T, name string, bytes int, age time.Duration) string {
	t.Helper()
	spec := filepath.Join(c.specs, name)
	noError(t, os.WriteFile(spec, nil, 0o600))
	dir := filepath.Join(c.Dir, imagesDir, name+layoutSuffix())
	l, err := layout.Open(t.Context(), dir)
	noError(t, err)
	l.SetOwner(layout.Owner{Family: name, Spec: spec})
	content, err := l.Blobs().Write(ocispec.MediaTypeImageLayer, []byte(name+strings.Repeat("x", bytes)))
	noError(t, err)
	desc, err := l.Blobs().WriteJSON(ocispec.MediaTypeImageManifest, ocispec.Manifest{Config: ocispec.DescriptorEmptyJSON, Layers: []ocispec.Descriptor{content}})
	noError(t, err)
	image, err := l.Combine(name, []string{"example.com/" + name}, []ocispec.Descriptor{desc}, nil)
	noError(t, err)
	_, err = l.Add(t.Context(), layout.Build{Images: []layout.Image{image}})
	noError(t, err)
	noError(t, l.Close())
	setAge(t, age, filepath.Join(dir, layout.SpecFile), filepath.Join(dir, ocispec.ImageIndexFile))
	return dir
}

// layer makes a file layer of so many bytes, which was last used so long ago.
func (c keptCache) layer(t *testing.T, name string, bytes int64, age time.Duration) {
	t.Helper()
	store, err := c.layers()
	noError(t, err)
	entries := []layer.Entry{{Path: "/" + name, Info: layer.Info{Mode: 0o644}, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(io.LimitReader(rand.NewChaCha8([32]byte{}), bytes)), nil
	}}}
	_, err = store.Add(t.Context(), entries, layer.Options{ModTime: time.Unix(0, 0), Platform: amd64})
	noError(t, err)
	notes, err := filepath.Glob(filepath.Join(store.Blobs().Root(), "gzip-*", "*"))
	noError(t, err)
	newest := slices.MaxFunc(notes, func(a, b string) int { return modified(t, a).Compare(modified(t, b)) })
	setAge(t, age, newest)
}

func modified(t *testing.T, name string) time.Time {
	t.Helper()
	info, err := os.Stat(name)
	noError(t, err)
	return info.ModTime()
}

func setAge(t *testing.T, age time.Duration, names ...string) {
	t.Helper()
	then := time.Now().Add(-age)
	for _, name := range names {
		noError(t, os.Chtimes(name, then, then))
	}
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// left names what is left of a cache.
func (c keptCache) left(t *testing.T) string {
	t.Helper()
	usage, err := c.Usage(t.Context())
	noError(t, err)
	out := []string{fmt.Sprint(usage.LayerCount, " layers")}
	for _, spec := range usage.Specs {
		out = append(out, spec.Name)
	}
	return strings.Join(out, " ")
}

const day = 24 * time.Hour

// newKept makes a cache in which a record, a layer and images of each age are of 3, 2 and 1 MB, and the spec of the youngest images is gone.
func newKept(t *testing.T) (keptCache, *listedEngine) {
	t.Helper()
	c := keptCache{Cache{Dir: t.TempDir()}, t.TempDir()}
	e := &listedEngine{fixed: mb}
	for days, name := range []string{"d0-gone", "d1", "d2", "d3"} {
		age := time.Duration(days) * day
		e.records = append(e.records, engine.Record{Size: 3 * mb, LastUsed: time.Now().Add(-age - 3*time.Hour)})
		c.layer(t, name, 2*mb, age+2*time.Hour)
		c.images(t, name, mb, age+time.Hour)
	}
	noError(t, os.Remove(filepath.Join(c.specs, "d0-gone")))
	return c, e
}

func reduce(t *testing.T, c keptCache, e anyEngine, limits Limits) (Reduction, []string, error) {
	t.Helper()
	var inUse []string
	r := reducer{cache: c.Cache, limits: limits, inUse: onceEach(func(dir string) { inUse = append(inUse, filepath.Base(dir)) }), now: time.Now(), engine: e}
	done, err := r.embedded(t.Context())
	return done, inUse, err
}

func TestReduce_oldestFirst(t *testing.T) {
	for _, c := range []struct {
		name    string
		limits  Limits
		left    string
		records int
		starts  int
	}{
		{"all of it fits: no engine is started", Limits{Size: 30 * mb}, "4 layers d0-gone d1 d2 d3", 4, 0},
		{"what is gone goes first, whatever its age", Limits{Size: 25 * mb}, "4 layers d1 d2 d3", 4, 1},
		{"then the oldest: a record", Limits{Size: 22 * mb}, "4 layers d1 d2 d3", 3, 1},
		{"and the layer and the images of that day", Limits{Size: 18*mb + mb/2}, "3 layers d1 d2", 3, 1},
		{"and so on", Limits{Size: 15*mb + mb/2}, "3 layers d1 d2", 2, 1},
		{"all of it", Limits{Size: 1}, "0 layers", 0, 1},
		{"by age", Limits{Unused: 2 * day}, "2 layers d0-gone d1", 2, 1},
		{"the images of a spec that is gone have an age as well", Limits{Unused: 10 * day}, "4 layers d0-gone d1 d2 d3", 4, 1},
		{"by age, and then by size", Limits{Unused: 2 * day, Size: 9*mb + mb/2}, "2 layers d1", 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			cache, e := newKept(t)
			done, inUse, err := reduce(t, cache, e.any(), c.limits)
			if err != nil || len(inUse) > 0 {
				t.Errorf("got error %v, and %q are in use", err, inUse)
			}
			if left := cache.left(t); left != c.left || len(e.records) != c.records || e.starts != c.starts {
				t.Errorf("left are %s and %d records after %d starts, want %s and %d after %d", left, len(e.records), e.starts, c.left, c.records, c.starts)
			}
			if c.limits.Size > mb && done.Left > c.limits.Size {
				t.Errorf("%d bytes are left, more than %d", done.Left, c.limits.Size)
			}
		})
	}
}

// What a command uses stays, and is named once.
func TestReduce_inUse(t *testing.T) {
	cache, e := newKept(t)
	release, err := cachedir.Use(t.Context(), filepath.Join(cache.Dir, layersDir))
	noError(t, err)
	defer func() { noError(t, release()) }()
	e.records[0].InUse = true
	_, inUse, err := reduce(t, cache, e.any(), Limits{Size: 1})
	if left := cache.left(t); err != nil || left != "4 layers" || len(e.records) != 1 {
		t.Errorf("left are %s and %d records (%v), want the layers and the record that are in use", left, len(e.records), err)
	}
	if diff := cmp.Diff([]string{layersDir}, inUse); diff != "" {
		t.Errorf("in use (-want +got):\n%s", diff)
	}
}

// On a full disk, an engine can be started when something else has made space for it.
func TestReduce_engineDoesNotStart(t *testing.T) {
	for _, c := range []struct {
		name    string
		fails   int
		refused bool
		limits  Limits
		stays   bool
		left    string
	}{
		{"until there is space", 1, false, Limits{Size: 2 * mb}, false, "0 layers"},
		{"at all, by size", 9, false, Limits{Size: 6 * mb}, true, "0 layers"},
		{"for another reason", 9, true, Limits{Size: 20 * mb}, true, "4 layers d0-gone d1 d2 d3"},
		{"for another reason, by size", 9, true, Limits{Size: 6 * mb}, true, "2 layers d1"},
		{"at all, by age", 9, false, Limits{Unused: 2 * day}, true, "2 layers d0-gone d1"},
		{"at all, and the rest is small enough: it gives what the engine may need", 9, false, Limits{Size: 20 * mb}, true, "0 layers"},
		{"at all, and the rest is young enough", 9, false, Limits{Unused: 10 * day}, true, "4 layers d0-gone d1 d2 d3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, silent := range []bool{false, true} {
				cache, e := newKept(t)
				e.fails, e.refused, e.silent = c.fails, c.refused, silent
				_, _, err := reduce(t, cache, e.any(), c.limits)
				var stays *EngineStaysError
				if errors.As(err, &stays) != c.stays || !c.stays && err != nil {
					t.Errorf("got error %v", err)
				}
				if left := cache.left(t); left != c.left {
					t.Errorf("left are %s, want %s", left, c.left)
				}
			}
		})
	}
}

// The limits hold for a remote engine and for this machine each: they are different disks.
func TestReduce_remote(t *testing.T) {
	for _, c := range []struct {
		limits  Limits
		left    string
		records int
	}{
		{Limits{Size: 9*mb + mb/2}, "3 layers d1 d2 d3", 3},
		{Limits{Unused: 2 * day}, "2 layers d0-gone d1", 2},
	} {
		cache, e := newKept(t)
		r := reducer{cache: cache.Cache, limits: c.limits, inUse: func(string) {}, now: time.Now(), engine: e.any()}
		done, err := r.remote(t.Context())
		if left := cache.left(t); err != nil || left != c.left || len(e.records) != c.records || done.Freed < 3*mb || done.Left < 9*mb {
			t.Errorf("%+v: left are %s and %d records (%v), want %s and %d; %+v", c.limits, left, len(e.records), err, c.left, c.records, done)
		}
	}
	cache, e := newKept(t)
	e.fails = 9
	r := reducer{cache: cache.Cache, limits: Limits{Unused: 2 * day}, inUse: func(string) {}, now: time.Now(), engine: e.any()}
	if _, err := r.remote(t.Context()); !errors.Is(err, syscall.ENOSPC) || cache.left(t) != "2 layers d0-gone d1" {
		t.Errorf("without an answer, %s are left (%v)", cache.left(t), err)
	}
}

// What cannot be removed does not stop the rest.
func TestReduce_foreignDirectories(t *testing.T) {
	cache, e := newKept(t)
	link := filepath.Join(cache.Dir, imagesDir, "link"+layoutSuffix())
	outside := cache.images(t, "outside", mb, day)
	moved := filepath.Join(t.TempDir(), "outside")
	noError(t, os.Rename(outside, moved))
	noError(t, os.Symlink(moved, link))
	damaged := cache.images(t, "damaged", mb, 5*day)
	noError(t, os.WriteFile(filepath.Join(damaged, ocispec.ImageIndexFile), []byte("{"), 0o600))
	setAge(t, 5*day, filepath.Join(damaged, ocispec.ImageIndexFile))
	later := filepath.Join(cache.Dir, imagesDir, "later.v99")
	noError(t, os.Rename(cache.images(t, "later", mb, 5*day), later))

	_, _, err := reduce(t, cache, e.any(), Limits{Unused: 4 * day})
	var unsafe *cachedir.UnsafeError
	if !errors.As(err, &unsafe) || unsafe.At != link {
		t.Errorf("got error %v, want one about %s", err, link)
	}
	for _, dir := range []string{damaged, later} {
		if _, err := os.Lstat(dir); !os.IsNotExist(err) {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if k, err := layout.Look(moved); err != nil || len(k.Builds) != 1 {
		t.Errorf("what the link leads to: %+v (%v)", k, err)
	}
}

// Images that cannot be removed do not keep the engine from removing its part, and are named also when it does not start.
func TestReduce_imagesStay(t *testing.T) {
	for _, c := range []struct{ fails, records int }{{0, 2}, {9, 4}} {
		cache, e := newKept(t)
		e.fails, e.refused = c.fails, true
		dir := filepath.Join(cache.Dir, imagesDir, "d3"+layoutSuffix())
		lock := filepath.Join(dir, cachedir.LockName)
		noError(t, os.Remove(lock))
		noError(t, os.Mkdir(lock, 0o755))
		_, _, err := reduce(t, cache, e.any(), Limits{Unused: 2 * day})
		named := err != nil && strings.Contains(err.Error(), dir)
		if left := cache.left(t); !named || left != "2 layers d0-gone d1 d3" || len(e.records) != c.records {
			t.Errorf("left are %s and %d records, want %d and an error about %s, got %v", left, len(e.records), c.records, dir, err)
		}
	}
}

func TestReduce_interrupted(t *testing.T) {
	cache, e := newKept(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	stop := errors.New("stop")
	r := reducer{cache: cache.Cache, limits: Limits{Size: 1}, inUse: func(string) {}, now: time.Now(), engine: e.any()}
	things, err := cache.things(ctx)
	noError(t, err)
	removed := 0
	for i := range things {
		remove := things[i].remove
		things[i].remove = func(ctx context.Context) (int64, error) {
			if removed++; removed == 2 {
				cancel(stop)
			}
			return remove(ctx)
		}
	}
	freed, err := r.evict(ctx, things, 12*mb)
	if !errors.Is(err, stop) || removed != 2 || freed == 0 {
		t.Errorf("freed %d with %d removals (%v)", freed, removed, err)
	}
	if _, _, err := reduce(t, cache, e.any(), Limits{Size: 1}); err != nil || cache.left(t) != "0 layers" {
		t.Errorf("after the next time, %s are left (%v)", cache.left(t), err)
	}
}

// Two of them remove everything once, and do not disturb each other.
func TestReduce_twoAtOnce(t *testing.T) {
	cache, _ := newKept(t)
	errs := make(chan error)
	for range 2 {
		go func() {
			r := reducer{cache: cache.Cache, limits: Limits{Size: 1}, inUse: func(string) {}, now: time.Now(), engine: (&listedEngine{}).any()}
			_, err := r.embedded(t.Context())
			errs <- err
		}()
	}
	for range 2 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if _, _, err := reduce(t, cache, (&listedEngine{}).any(), Limits{Size: 1}); err != nil || cache.left(t) != "0 layers" {
		t.Errorf("%s are left (%v)", cache.left(t), err)
	}
}
