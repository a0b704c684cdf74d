package publish

import (
	"context"
	"fmt"
	"net/url"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

// uploader uploads every image of a family to its registry, by digest.
type uploader struct {
	sessions sessions
	settings settings
	entries  []entry
	progress *progress
	blobs    int // that the plan transfers

	mu      sync.Mutex
	results []transferResult
	stored  map[int]bool // the entries whose manifests are there
}

// transferResult is a transfer that succeeded, and how the blob came into its repository.
type transferResult struct {
	transfer transfer
	state    State
}

func (u *uploader) run(ctx context.Context) error {
	p := makePlan(u.entries, u.settings.MountFrom)
	u.blobs = len(p.first) + len(p.second)
	u.stored = make(map[int]bool)
	u.progress = newProgress(u.settings.Progress, p.expected())
	defer u.progress.stop()
	for _, wave := range [][]transfer{p.first, p.second} {
		if err := u.transferAll(ctx, wave); err != nil {
			return err
		}
	}
	return u.storeAll(ctx)
}

func (u *uploader) transferAll(ctx context.Context, wave []transfer) error {
	uploadSlots := semaphore.NewWeighted(int64(u.settings.Jobs))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(u.settings.maxRequests())
	for _, t := range wave {
		g.Go(func() error {
			state, err := u.transfer(ctx, t, uploadSlots)
			if err != nil {
				return fmt.Errorf("transferring %s of %s to %s: %w", t.blob.digest, u.entries[t.item].item.Name, t.repo, err)
			}
			u.mu.Lock()
			defer u.mu.Unlock()
			u.results = append(u.results, transferResult{t, state})
			return nil
		})
	}
	return g.Wait()
}

// transfer asks whether the repository has the blob, then tries to mount it, and uploads it as soon as a slot is free.
func (u *uploader) transfer(ctx context.Context, t transfer, uploadSlots *semaphore.Weighted) (state State, err error) {
	progress := u.progress.of(t.repo, t.blob, t.uploads)
	defer func() {
		if err == nil {
			progress.done(state)
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
	if err := uploadSlots.Acquire(ctx, 1); err != nil {
		return "", err
	}
	defer uploadSlots.Release(1)
	return Pushed, s.upload(ctx, t.repo, t.blob, location, progress)
}

// storeAll stores the manifests of all entries. Their blobs must be there.
func (u *uploader) storeAll(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(u.settings.maxRequests())
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

// store stores the manifests of one item, one after the other: a registry may refuse an index whose images are missing.
func (u *uploader) store(ctx context.Context, e entry) error {
	s := u.sessions.of(e.repo())
	for _, m := range e.artifact.manifests {
		if err := s.putManifest(ctx, e.repo(), m.digest.String(), m); err != nil {
			return fmt.Errorf("storing the manifest %s of %s in %s: %w", m.digest, e.item.Name, e.repo(), err)
		}
	}
	return nil
}

// failure returns err together with what was uploaded before it.
func (u *uploader) failure(err error) *UploadError {
	f := &UploadError{Err: err, BlobsUploaded: len(u.results), BlobsMissing: u.blobs - len(u.results)}
	for i, e := range u.entries {
		if e.present || u.stored[i] {
			f.Uploaded = append(f.Uploaded, e.item.Name)
		} else {
			f.Missing = append(f.Missing, e.item.Name)
		}
	}
	return f
}
