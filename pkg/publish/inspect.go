package publish

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/errgroup"
)

// entry is an item and what its registry has of it.
type entry struct {
	item      Item
	digest    v1.Hash
	present   bool     // the repository has the image
	tagged    bool     // and the tag points to it
	former    v1.Hash  // what the tag points to; the zero value if it does not exist, or if that is not known
	denied    bool     // the registry does not say what the tag points to, which it may do of a repository that does not exist yet
	immutable bool     // the tag is never moved once it exists
	lean      bool     // it lacks little, which is sent without a question
	artifact  artifact // not read if every item is tagged
}

func (e entry) repo() name.Repository { return e.item.Reference.Repository }

// image is the entry's image in its repository. Several tags may be of one.
func (e entry) image() repoBlob { return repoBlob{e.repo(), e.digest} }

// inspect asks the registries what they have. The action is what tokens are asked for.
func inspect(ctx context.Context, sessions sessions, items []Item, o settings, action string) ([]entry, error) {
	i := inspector{sessions: sessions, action: action, entries: make([]entry, len(items))}
	for at, item := range items {
		digest, err := item.Content.Digest()
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", item.Name, err)
		}
		i.entries[at] = entry{item: item, digest: digest, immutable: o.isImmutable(item.Reference)}
	}
	if err := i.eachAtOnce(ctx, o, i.allEntries(), i.askTag); err != nil {
		return nil, err
	}
	if allTagged(i.entries) {
		i.spread()
		return i.entries, nil
	}
	if err := readArtifacts(i.entries); err != nil {
		return nil, err
	}
	if action == transport.PushScope {
		i.noteLean()
	}
	if err := i.eachAtOnce(ctx, o, i.unseenImages(), i.askImage); err != nil {
		return nil, err
	}
	i.spread()
	return i.entries, nil
}

type inspector struct {
	sessions sessions
	action   string
	entries  []entry
}

// eachAtOnce calls ask for some of the entries, several at a time.
func (i *inspector) eachAtOnce(ctx context.Context, o settings, which []int, ask func(context.Context, *entry) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(o.maxRequests())
	for _, at := range which {
		g.Go(func() error {
			e := &i.entries[at]
			if err := ask(ctx, e); err != nil {
				return fmt.Errorf("looking for %s in its registry: %w", e.item.Name, err)
			}
			return nil
		})
	}
	return g.Wait()
}

func (i *inspector) allEntries() []int {
	all := make([]int, len(i.entries))
	for at := range all {
		all[at] = at
	}
	return all
}

// noteLean notes of which entries the registry is asked for nothing but their tags.
func (i *inspector) noteLean() {
	h := holdingsOf(i.entries)
	for at, e := range i.entries {
		i.entries[at].lean = !e.tagged && h.lacksLittle(e)
	}
}

// unseenImages returns one entry for each image that no tag has shown to be there, and of which that is worth a question.
func (i *inspector) unseenImages() []int {
	seen := make(map[repoBlob]bool)
	for _, e := range i.entries {
		if e.tagged || e.lean {
			seen[e.image()] = true
		}
	}
	var out []int
	for at, e := range i.entries {
		if !seen[e.image()] {
			seen[e.image()] = true
			out = append(out, at)
		}
	}
	return out
}

// askTag asks what a tag points to. The answer to HEAD may be an old one from a cache, which is not good enough for a tag that must not be
// moved. Some registries answer every HEAD as if there were nothing, which nobody finds out later who only looks.
func (i *inspector) askTag(ctx context.Context, e *entry) error {
	s := i.sessions.of(e.repo())
	ask := s.findManifest
	if e.immutable {
		ask = s.readManifest
	}
	got, found, err := ask(ctx, e.repo(), e.item.Reference.TagStr(), i.action)
	if err == nil && !found && !e.immutable && i.action == transport.PullScope {
		got, found, err = s.readManifest(ctx, e.repo(), e.item.Reference.TagStr(), i.action)
	}
	if isDenied(err) { // some registries answer so for a repository that does not exist yet; uploading will show
		e.denied = true
		return nil
	}
	if err == nil && found {
		e.former, e.tagged = got, got == e.digest
	}
	return err
}

// askImage asks whether the repository has an image.
func (i *inspector) askImage(ctx context.Context, e *entry) error {
	_, found, err := i.sessions.of(e.repo()).findManifest(ctx, e.repo(), e.digest.String(), i.action)
	if isDenied(err) {
		return nil
	}
	e.present = found
	return err
}

// spread notes with every entry what was found out about its image.
func (i *inspector) spread() {
	present := make(map[repoBlob]bool)
	for _, e := range i.entries {
		if e.present || e.tagged {
			present[e.image()] = true
		}
	}
	for at := range i.entries {
		i.entries[at].present = present[i.entries[at].image()]
	}
}

// readArtifacts reads what the images consist of, each once.
func readArtifacts(entries []entry) error {
	read := make(map[v1.Hash]artifact)
	for i, e := range entries {
		a, ok := read[e.digest]
		if !ok {
			var err error
			if a, err = readArtifact(e.item.Content); err != nil {
				return fmt.Errorf("reading %s: %w", e.item.Name, err)
			}
			read[e.digest] = a
		}
		entries[i].artifact = a
	}
	return nil
}
