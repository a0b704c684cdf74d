package publish

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/errgroup"
)

// Publish uploads a family to its registries and then moves its tags. Items come in build order: an image comes before those that are
// based on it, which mount its blobs from its repository.
//
// Blobs and manifests go first, by digest; the tags move when every image of the family is there. If an upload fails, no tag
// was moved and the error is an [*UploadError]. After the tags were moved, all are read back. If one was not moved, or points elsewhere,
// the error is a [*TagError]. An error before anything was sent is neither of them. Each may wrap a [*CredentialsError], an
// [*UnreachableError] or the error of ctx.
//
// When ctx ends, uploads stop. If tags are being moved, the remaining ones get a few more seconds, so that the family stays together.
func Publish(ctx context.Context, items []Item, opts Options) (*Result, error) {
	o, err := opts.settings()
	if err != nil {
		return nil, err
	}
	if err := checkItems(items); err != nil {
		return nil, err
	}
	sessions, err := connectAll(ctx, items, o)
	if err != nil {
		return nil, err
	}
	entries, err := inspect(ctx, sessions, items, o)
	if err != nil {
		return nil, err
	}
	u := uploader{sessions: sessions, settings: o, entries: entries}
	if err := u.run(ctx); err != nil {
		return nil, u.failure(err)
	}
	if err := moveTags(ctx, sessions, entries, o); err != nil {
		return nil, err
	}
	return newResult(entries, u.results), nil
}

// sessions has one session for each registry of the family.
type sessions map[name.Registry]*session

func connectAll(ctx context.Context, items []Item, o settings) (sessions, error) {
	all := make(sessions)
	for _, item := range items {
		registry := item.Reference.Registry
		if all[registry] != nil {
			continue
		}
		s, err := connect(ctx, registry, o)
		if err != nil {
			return nil, err
		}
		all[registry] = s
	}
	return all, nil
}

func (s sessions) of(repo name.Repository) *session { return s[repo.Registry] }

// entry is an item and what its registry has of it.
type entry struct {
	item     Item
	digest   v1.Hash
	present  bool     // the repository has the image
	tagged   bool     // and the tag points to it
	artifact artifact // not read if every item is tagged
}

func (e entry) repo() name.Repository { return e.item.Reference.Repository }

// inspect asks the registries what they have.
func inspect(ctx context.Context, sessions sessions, items []Item, o settings) ([]entry, error) {
	entries := make([]entry, len(items))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(o.maxRequests())
	for i, item := range items {
		g.Go(func() error {
			e, err := inspectItem(ctx, sessions.of(item.Reference.Repository), item)
			if err != nil {
				return fmt.Errorf("looking for %s in its registry: %w", item.Name, err)
			}
			entries[i] = e
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !e.tagged {
			return entries, readArtifacts(entries)
		}
	}
	return entries, nil
}

func inspectItem(ctx context.Context, s *session, item Item) (entry, error) {
	digest, err := item.Content.Digest()
	if err != nil {
		return entry{}, err
	}
	e := entry{item: item, digest: digest}
	for _, identifier := range []string{item.Reference.TagStr(), digest.String()} {
		got, found, err := s.findManifest(ctx, e.repo(), identifier, transport.PushScope)
		if isDenied(err) { // some registries answer so for a repository that does not exist yet; uploading will show
			return e, nil
		}
		if err != nil {
			return entry{}, err
		}
		if byTag := identifier != digest.String(); byTag {
			e.tagged = found && got == digest
			e.present = e.tagged
		} else {
			e.present = found
		}
		if e.present {
			break
		}
	}
	return e, nil
}

func readArtifacts(entries []entry) error {
	for i := range entries {
		a, err := readArtifact(entries[i].item.Content)
		if err != nil {
			return fmt.Errorf("reading %s: %w", entries[i].item.Name, err)
		}
		entries[i].artifact = a
	}
	return nil
}
