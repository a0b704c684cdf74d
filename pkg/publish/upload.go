package publish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

// uploader uploads every image of a family to its registry, by digest.
type uploader struct {
	sessions sessions
	settings settings
	entries  []entry
	progress *progress
	reader   *layerReader
	blobs    int // that the plan transfers

	mu      sync.Mutex
	results []transferResult
	stored  map[repoBlob]bool // the images whose manifests are there
}

// transferResult is a transfer that succeeded, and how the blob came into its repository.
type transferResult struct {
	transfer transfer
	state    State
}

func (u *uploader) run(ctx context.Context) error {
	p := makePlan(u.entries)
	u.blobs = len(p.first) + len(p.second)
	u.reader = newLayerReader(u.settings, u.sessions)
	u.stored = make(map[repoBlob]bool)
	u.progress = newProgress(u.settings.Progress, p.expected())
	defer u.progress.stop()
	for _, wave := range [][]transfer{p.first, p.second} {
		if err := u.transferAll(ctx, wave); err != nil {
			return err
		}
	}
	err := u.storeAll(ctx)
	var lost *lostError
	if len(p.held) > 0 && errors.As(err, &lost) {
		// A tag pointed to an image that the registry no longer has as a whole.
		u.blobs += len(p.held)
		if err = u.transferAll(ctx, p.held); err == nil {
			err = u.storeAll(ctx)
		}
	}
	return err
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

// transfer asks whether the repository has the blob, then tries to mount it, and sends it as soon as a slot is free.
func (u *uploader) transfer(ctx context.Context, t transfer, uploadSlots *semaphore.Weighted) (state State, err error) {
	progress := u.progress.of(t.repo, t.blob, t.uploads)
	defer func() {
		if err == nil {
			progress.done(state)
		}
	}()
	s := u.sessions.of(t.repo)
	if !t.unasked {
		there, err := s.hasBlob(ctx, t.repo, t.blob.digest, transport.PushScope)
		if err != nil {
			return "", err
		}
		if there {
			return Existing, nil
		}
	}
	var location *url.URL
	for _, from := range t.from {
		mounted, at, err := s.mount(ctx, t.repo, t.blob.digest, from)
		if err != nil {
			return "", err
		}
		if mounted {
			return Mounted, nil
		}
		location = cmp.Or(location, at)
	}
	if err := uploadSlots.Acquire(ctx, 1); err != nil {
		return "", err
	}
	defer uploadSlots.Release(1)
	return Pushed, u.send(ctx, t, location, progress)
}

// storeAll stores the manifests of all images, each once for all of its tags. Their blobs must be there.
func (u *uploader) storeAll(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(u.settings.maxRequests())
	begun := make(map[repoBlob]bool)
	for _, e := range u.entries {
		if e.present || begun[e.image()] || u.isStored(e) {
			continue
		}
		begun[e.image()] = true
		g.Go(func() error {
			if err := u.store(ctx, e); err != nil {
				return err
			}
			u.mu.Lock()
			defer u.mu.Unlock()
			u.stored[e.image()] = true
			return nil
		})
	}
	return g.Wait()
}

func (u *uploader) isStored(e entry) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.stored[e.image()]
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
	f.Uploaded, f.Missing = nameImages(u.entries, func(e entry) bool { return e.present || u.stored[e.image()] })
	return f
}

// names gives the names of all images.
func names(entries []entry) []string {
	all, _ := nameImages(entries, func(entry) bool { return true })
	return all
}

// nameImages gives the names of the images that are as asked for, and of the others, each once. The name of one that goes into several
// repositories comes with the repository.
func nameImages(entries []entry, is func(entry) bool) (yes, no []string) {
	repositories := make(map[string]map[name.Repository]bool)
	for _, e := range entries {
		if repositories[e.item.Name] == nil {
			repositories[e.item.Name] = make(map[name.Repository]bool)
		}
		repositories[e.item.Name][e.repo()] = true
	}
	type named struct {
		name  string
		image repoBlob
	}
	seen := make(map[named]bool)
	for _, e := range entries {
		n := named{e.item.Name, e.image()}
		if seen[n] {
			continue
		}
		seen[n] = true
		text := e.item.Name
		if len(repositories[text]) > 1 {
			text += " in " + e.repo().Name()
		}
		if is(e) {
			yes = append(yes, text)
		} else {
			no = append(no, text)
		}
	}
	return yes, no
}
