package publish

import (
	"context"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Publish uploads a family to its registries and then moves its tags. Items come in build order: an image comes before those that are
// based on it, which mount its blobs from its repository.
//
// Blobs and manifests go first, by digest; the tags move when every image of the family is there, in all registries and repositories. If an
// upload fails, no tag was moved and the error is an [*UploadError]. After the tags were moved, all are read back. If one was not moved, or
// points elsewhere, the error is a [*TagError]. An error before anything was sent is neither of them. Each may wrap a [*CredentialsError], an
// [*UnreachableError] or the error of ctx.
//
// An immutable tag ([Options].Immutable) that exists and points to another image is an [*ImmutableError], before anything is sent. These tags
// are looked at again before the first tag moves, then move first, and are read back; if one of them fails, the others stay where they are.
//
// When ctx ends, uploads stop. If tags are being moved, the remaining ones get a few more seconds, so that the family stays together.
func Publish(ctx context.Context, items []Item, opts Options) (*Result, error) {
	o, sessions, entries, err := begin(ctx, items, opts, transport.PushScope)
	if err != nil {
		return nil, err
	}
	if err := conflicts(entries, false); err != nil {
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

// begin checks what is to be published and asks the registries what they have. The action is what tokens are asked for.
func begin(ctx context.Context, items []Item, opts Options, action string) (settings, sessions, []entry, error) {
	o, err := opts.settings()
	if err != nil {
		return o, nil, nil, err
	}
	if err := checkItems(items); err != nil {
		return o, nil, nil, err
	}
	all, err := connectAll(ctx, items, o)
	if err != nil {
		return o, nil, nil, err
	}
	entries, err := inspect(ctx, all, items, o, action)
	return o, all, entries, err
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
