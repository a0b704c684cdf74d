package publish

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"
)

// A Removal is a tag to remove, and what it is known to point to.
type Removal struct {
	Reference string // REGISTRY/REPOSITORY:TAG
	Digest    digest.Digest
}

// A RemovalError reports that a tag stays, for a reason that is about this tag alone.
type RemovalError struct {
	Reference string
	Reason    string
}

func (e *RemovalError) Error() string { return fmt.Sprintf("%s stays: %s", e.Reference, e.Reason) }

// An UndeletableError reports that a registry removes neither tags nor manifests.
type UndeletableError struct {
	Registry   string
	Repository string
	Err        error
}

func (e *UndeletableError) Error() string {
	return fmt.Sprintf("registry %s removes nothing from %s: %v", e.Registry, e.Repository, e.Err)
}

// Unwrap gives the registry's own answer.
func (e *UndeletableError) Unwrap() error { return e.Err }

// RemoveTags removes tags, and calls a function with each that is gone. A tag that points elsewhere by now stays; that is a [*RemovalError], as is
// one that cannot be removed alone. These do not keep the others from being removed. A registry that removes nothing is an [*UndeletableError]. The
// other errors are those of [Publish] before anything was sent.
//
// A registry is asked to remove the tag. Not every one can, and then it is asked to remove the manifest, with which all of its tags go: only if no
// tag points to it that is not to be removed.
func RemoveTags(ctx context.Context, removals []Removal, opts Options, removed func(Removal)) error {
	o, err := opts.settings()
	if err != nil {
		return err
	}
	items := make([]Item, len(removals))
	for i, r := range removals {
		if items[i].Reference, err = name.NewTag(r.Reference); err != nil {
			return err
		}
	}
	sessions, err := connectAll(ctx, items, o)
	if err != nil {
		return err
	}
	m := remover{settings: o, sessions: sessions, doomed: map[string]bool{}, tags: map[string]*tagged{}, removed: removed}
	for _, item := range items {
		m.doomed[item.Reference.Name()] = true
		if m.tags[item.Reference.Repository.Name()] == nil {
			m.tags[item.Reference.Repository.Name()] = &tagged{}
		}
	}
	g, groupCtx := errgroup.WithContext(ctx)
	g.SetLimit(o.maxRequests())
	for i, r := range removals {
		g.Go(func() error { return m.remove(groupCtx, items[i].Reference, r) })
	}
	return errors.Join(append([]error{g.Wait()}, m.stay...)...)
}

// A remover removes tags.
type remover struct {
	settings settings
	sessions sessions
	doomed   map[string]bool    // the tags to remove
	tags     map[string]*tagged // by repository

	mu      sync.Mutex
	removed func(Removal)
	stay    []error
}

// tagged is what the tags of a repository point to, which is asked for once.
type tagged struct {
	once sync.Mutex
	by   map[v1.Hash][]name.Tag
}

// remove removes a tag. An error ends the removal of the others.
func (m *remover) remove(ctx context.Context, tag name.Tag, r Removal) error {
	err := m.removeTag(ctx, tag, r.Digest)
	var stays *RemovalError
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case err == nil && m.removed != nil:
		m.removed(r)
	case errors.As(err, &stays):
		m.stay = append(m.stay, stays)
		return nil
	case err != nil:
		return fmt.Errorf("removing %s: %w", tag.Name(), err)
	}
	return nil
}

func (m *remover) removeTag(ctx context.Context, tag name.Tag, want digest.Digest) error {
	s := m.sessions.of(tag.Repository)
	at, found, err := s.readManifest(ctx, tag.Repository, tag.TagStr(), transport.PullScope)
	switch {
	case err != nil:
		return err
	case !found:
		return nil // somebody else was faster
	case at.String() != want.String():
		return &RemovalError{tag.Name(), "it was moved"}
	}
	err = s.deleteManifest(ctx, tag.Repository, tag.TagStr())
	if !cannotDelete(err) {
		return err
	}
	if gone, err := s.isGone(ctx, tag); gone || err != nil {
		return err // an answer was lost, and the request made once more
	}
	others, err := m.othersAt(ctx, tag, at)
	if err != nil {
		return err
	}
	if len(others) > 0 {
		return &RemovalError{tag.Name(), "the registry does not remove a tag alone, and " + strings.Join(others, ", ") + " has the same manifest"}
	}
	err = s.deleteManifest(ctx, tag.Repository, at.String())
	if !cannotDelete(err) {
		return err
	}
	if gone, err := s.isGone(ctx, tag); gone || err != nil {
		return err
	}
	return &UndeletableError{Registry: tag.RegistryStr(), Repository: tag.Repository.Name(), Err: err}
}

// isGone reports whether a repository does not have a tag.
func (s *session) isGone(ctx context.Context, tag name.Tag) (bool, error) {
	_, found, err := s.readManifest(ctx, tag.Repository, tag.TagStr(), transport.PullScope)
	return err == nil && !found, err
}

// othersAt returns the tags that are not to be removed and point to a manifest.
func (m *remover) othersAt(ctx context.Context, tag name.Tag, at v1.Hash) ([]string, error) {
	in := m.tags[tag.Repository.Name()]
	in.once.Lock()
	defer in.once.Unlock()
	if in.by == nil {
		by, err := m.tagsOf(ctx, tag.Repository)
		if err != nil {
			return nil, err
		}
		in.by = by
	}
	var others []string
	for _, other := range in.by[at] {
		if !m.doomed[other.Name()] {
			others = append(others, other.TagStr())
		}
	}
	slices.Sort(others)
	return others, nil
}

// tagsOf asks what all tags of a repository point to.
func (m *remover) tagsOf(ctx context.Context, repo name.Repository) (map[v1.Hash][]name.Tag, error) {
	s := m.sessions.of(repo)
	tags, err := s.tags(ctx, repo)
	if err != nil {
		return nil, err
	}
	by := map[v1.Hash][]name.Tag{}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(m.settings.maxRequests())
	for _, tag := range tags {
		g.Go(func() error {
			// HEAD may be answered from a cache.
			at, found, err := s.readManifest(ctx, repo, tag, transport.PullScope)
			mu.Lock()
			defer mu.Unlock()
			if found {
				by[at] = append(by[at], repo.Tag(tag))
			}
			return err
		})
	}
	return by, g.Wait()
}

// deleteManifest removes a tag, or a manifest by its digest.
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#deleting-tags
func (s *session) deleteManifest(ctx context.Context, repo name.Repository, identifier string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, s.url(repo, "manifests/"+identifier).String(), nil)
	if err != nil {
		return err
	}
	resp, err := s.send(req, repo, repo.Scope(transport.DeleteScope))
	if err != nil {
		return err
	}
	defer finish(resp)
	return s.expect(resp, repo, http.StatusOK, http.StatusAccepted, http.StatusNoContent)
}

// cannotDelete reports whether an error is the answer of a registry that does not remove things of this kind. Those that remove manifests by digest
// alone take a tag for a bad digest, or for a digest that they do not have.
func cannotDelete(err error) bool {
	var status *transport.Error
	if !errors.As(err, &status) {
		return false
	}
	switch status.StatusCode {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return true
	}
	return false
}
