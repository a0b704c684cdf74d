package publish

import (
	"context"
	"fmt"
	"net/url"
	"sync"

	"golang.org/x/sync/errgroup"
)

// uploader brings every image of a family into its registry, by digest.
type uploader struct {
	sessions sessions
	options  options
	entries  []entry
	meter    *meter
	blobs    int // that the plan moves

	mu      sync.Mutex
	arrived []arrival
	stored  map[int]bool // the entries whose manifests are there
}

// arrival is a blob that is in its repository, and how it got there.
type arrival struct {
	transfer transfer
	state    State
}

func (u *uploader) run(ctx context.Context) error {
	p := makePlan(u.entries, u.options.mountFrom)
	u.blobs = len(p.first) + len(p.second)
	u.stored = make(map[int]bool)
	u.meter = newMeter(u.options.progress, p.expected())
	defer u.meter.stop()
	for _, wave := range [][]transfer{p.first, p.second} {
		if err := u.transferAll(ctx, wave); err != nil {
			return err
		}
	}
	return u.storeAll(ctx)
}

func (u *uploader) transferAll(ctx context.Context, wave []transfer) error {
	lanes := make(chan struct{}, u.options.jobs)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(u.options.questions())
	for _, t := range wave {
		g.Go(func() error {
			state, err := u.transfer(ctx, t, lanes)
			if err != nil {
				return fmt.Errorf("bringing %s of %s into %s: %w", t.blob.digest, u.entries[t.item].item.Name, t.repo, err)
			}
			u.mu.Lock()
			defer u.mu.Unlock()
			u.arrived = append(u.arrived, arrival{t, state})
			return nil
		})
	}
	return g.Wait()
}

// transfer asks for the blob, mounts it, or sends it once a lane is free.
func (u *uploader) transfer(ctx context.Context, t transfer, lanes chan struct{}) (state State, err error) {
	g := u.meter.gauge(t.repo, t.blob, t.leads)
	defer func() {
		if err == nil {
			g.done(state)
		}
	}()
	s := u.sessions.of(t.repo)
	there, err := s.hasBlob(ctx, t.repo, t.blob.digest)
	if err != nil {
		return "", err
	}
	if there {
		return Existing, nil
	}
	var location *url.URL
	if t.from != nil {
		var mounted bool
		mounted, location, err = s.mount(ctx, t.repo, t.blob.digest, *t.from)
		if err != nil {
			return "", err
		}
		if mounted {
			return Mounted, nil
		}
	}
	if err := enter(ctx, lanes); err != nil {
		return "", err
	}
	defer func() { <-lanes }()
	return Pushed, s.upload(ctx, t.repo, t.blob, location, g)
}

func enter(ctx context.Context, lanes chan struct{}) error {
	select {
	case lanes <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// storeAll puts the manifests where their blobs are.
func (u *uploader) storeAll(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(u.options.questions())
	for i, e := range u.entries {
		if e.present {
			continue
		}
		g.Go(func() error {
			if err := u.store(ctx, e); err != nil {
				return err
			}
			u.mu.Lock()
			defer u.mu.Unlock()
			u.stored[i] = true
			return nil
		})
	}
	return g.Wait()
}

// store puts the manifests of one item, one after the other, as a registry may refuse an index before its images.
func (u *uploader) store(ctx context.Context, e entry) error {
	s := u.sessions.of(e.repo())
	for _, m := range e.artifact.manifests {
		if err := s.putManifest(ctx, e.repo(), m.digest.String(), m); err != nil {
			return fmt.Errorf("storing the manifest %s of %s in %s: %w", m.digest, e.item.Name, e.repo(), err)
		}
	}
	return nil
}

// failure says how far the upload came before err.
func (u *uploader) failure(err error) *UploadError {
	f := &UploadError{Err: err, BlobsUploaded: len(u.arrived), BlobsMissing: u.blobs - len(u.arrived)}
	for i, e := range u.entries {
		if e.present || u.stored[i] {
			f.Uploaded = append(f.Uploaded, e.item.Name)
		} else {
			f.Missing = append(f.Missing, e.item.Name)
		}
	}
	return f
}
