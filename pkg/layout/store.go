package layout

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Store returns the blobs as a store that an engine reads and writes. A blob that the engine is about to write is taken from one of the
// other directories if it is there.
func (d *Blobs) Store(others ...*Blobs) (content.Store, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.store == nil { // it tries what the file system can do, which only engines need
		var err error
		if d.store, err = local.NewStore(d.root); err != nil {
			return nil, fmt.Errorf("opening the blobs in %s: %w", d.root, err)
		}
	}
	return store{Store: d.store, dir: d, others: others}, nil
}

// A store is containerd's, with names of unfinished blobs that differ between processes.
type store struct {
	content.Store
	dir    *Blobs
	others []*Blobs
}

// Writer implements content.Ingester.
func (s store) Writer(ctx context.Context, opts ...content.WriterOpt) (_ content.Writer, err error) {
	var o content.WriterOpts
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	if o.Ref == "" {
		return nil, errdefs.ErrInvalidArgument.WithMessage("a writer needs a name")
	}
	if o.Desc.Digest != "" && o.Desc.Size > 0 {
		if err := s.find(ctx, o.Desc); err != nil {
			return nil, err
		}
	}
	c, err := s.dir.begin()
	if err != nil {
		return nil, err
	}
	ref := c.ref(o.Ref)
	w, err := s.Store.Writer(ctx, append(opts, content.WithRef(ref))...)
	if err != nil {
		return nil, errors.Join(err, s.dir.end())
	}
	return &writer{Writer: w, name: o.Ref, abandon: func() error { return s.Store.Abort(context.WithoutCancel(ctx), ref) }, end: sync.OnceValue(s.dir.end)}, nil
}

// find copies a blob from another directory. It first removes the blob here if its size is wrong: containerd's store would take it for
// complete.
func (s store) find(ctx context.Context, desc ocispec.Descriptor) error {
	if info, err := os.Stat(s.dir.Path(desc.Digest)); err == nil {
		if info.Size() == desc.Size {
			return nil
		}
		if err := os.Remove(s.dir.Path(desc.Digest)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	for _, other := range s.others {
		if other.Has(desc) {
			return s.dir.Link(ctx, other, desc)
		}
	}
	return nil
}

// Status implements content.IngestManager.
func (s store) Status(ctx context.Context, name string) (content.Status, error) {
	status, err := s.Store.Status(ctx, s.dir.ref(name))
	status.Ref = name
	return status, err
}

// ListStatuses implements content.IngestManager. It lists what this side writes.
func (s store) ListStatuses(ctx context.Context, filters ...string) ([]content.Status, error) {
	all, err := s.Store.ListStatuses(ctx)
	var own []content.Status
	for _, status := range all {
		if name, ok := strings.CutPrefix(status.Ref, s.dir.ref("")); ok {
			status.Ref = name
			own = append(own, status)
		}
	}
	return own, err
}

// Abort implements content.IngestManager.
func (s store) Abort(ctx context.Context, name string) error {
	return s.Store.Abort(ctx, s.dir.ref(name))
}

// A writer is containerd's. What it has not finished when it is closed is removed.
type writer struct {
	content.Writer
	name    string
	done    bool
	abandon func() error
	end     func() error
}

// Status implements content.Writer.
func (w *writer) Status() (content.Status, error) {
	status, err := w.Writer.Status()
	status.Ref = w.name
	return status, err
}

// Commit implements content.Writer.
func (w *writer) Commit(ctx context.Context, size int64, expected digest.Digest, opts ...content.Opt) error {
	err := w.Writer.Commit(ctx, size, expected, opts...)
	if err == nil || errdefs.IsAlreadyExists(err) {
		w.done = true
		return errors.Join(err, w.end())
	}
	return err
}

// Close implements content.Writer.
func (w *writer) Close() error {
	err := w.Writer.Close()
	if !w.done {
		w.done = true
		if abandoned := w.abandon(); !errdefs.IsNotFound(abandoned) {
			err = errors.Join(err, abandoned)
		}
	}
	return errors.Join(err, w.end())
}
