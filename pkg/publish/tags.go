package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/errgroup"
)

const (
	// tagGrace is how long tags may still be moved after the publication was cancelled. Waiting a few seconds is better than a family
	// of which only a half has moved, and moving a tag takes one small request.
	tagGrace = 5 * time.Second

	// tagReads is how often a tag is read before it counts as pointing elsewhere: some registries answer from a cache for a while.
	tagReads = 5
)

// tagMove is the result of moving one tag.
type tagMove struct {
	err     error
	unknown bool // the tag may have been moved in spite of err
	differs bool // the tag was moved, but now points to found, which is zero if there is no such tag
	found   v1.Hash
}

// errHeldBack is why a tag was not moved.
var errHeldBack = errors.New("it waits for the immutable tags, of which one failed")

// moveTags makes the tags of all entries point to their images, and then reads all of them back, also those that pointed there before:
// somebody else may be moving them. It tries every tag, even if others fail, with one exception: tags such as "latest" follow the immutable
// ones, so they move when those are in place.
func moveTags(ctx context.Context, sessions sessions, entries []entry, o settings) error {
	if err := ctx.Err(); err != nil {
		return &UploadError{Err: err, Uploaded: names(entries)}
	}
	if allTagged(entries) {
		return nil
	}
	if err := lookAgain(ctx, sessions, entries, o); err != nil {
		return err
	}
	ctx, cancel := withGrace(ctx, tagGrace)
	defer cancel()
	m := mover{sessions, entries, o, make([]tagMove, len(entries))}
	m.move(ctx, true)
	if m.failed() {
		m.holdBack()
	}
	m.move(ctx, false)
	m.read(ctx, func(entry) bool { return true })
	return tagError(entries, m.moves)
}

// mover moves tags.
type mover struct {
	sessions sessions
	entries  []entry
	settings settings
	moves    []tagMove // one for each entry
}

// move moves the tags that are to be moved, the immutable ones or the others. The immutable ones it also reads back.
func (m mover) move(ctx context.Context, immutable bool) {
	each(m.entries, m.settings, func(i int, e entry) {
		if !e.tagged && e.immutable == immutable && m.moves[i].err == nil {
			m.moves[i] = moveTag(ctx, m.sessions.of(e.repo()), e)
		}
	})
	if immutable {
		m.read(ctx, func(e entry) bool { return e.immutable && !e.tagged })
	}
}

// read reads back some of the tags, of those that did not fail.
func (m mover) read(ctx context.Context, which func(entry) bool) {
	each(m.entries, m.settings, func(i int, e entry) {
		if which(e) && m.moves[i].err == nil {
			m.moves[i] = readTag(ctx, m.sessions.of(e.repo()), e)
		}
	})
}

func (m mover) failed() bool {
	return slices.ContainsFunc(m.moves, func(t tagMove) bool { return t.err != nil })
}

// holdBack gives up the tags that are not immutable and not in place.
func (m mover) holdBack() {
	for i, e := range m.entries {
		if !e.immutable && !e.tagged {
			m.moves[i] = tagMove{err: errHeldBack}
		}
	}
}

func allTagged(entries []entry) bool {
	for _, e := range entries {
		if !e.tagged {
			return false
		}
	}
	return true
}

// each calls do for all entries, several at a time.
func each(entries []entry, o settings, do func(i int, e entry)) {
	var g errgroup.Group
	g.SetLimit(o.maxRequests())
	for i, e := range entries {
		g.Go(func() error {
			do(i, e)
			return nil
		})
	}
	_ = g.Wait() // do returns no errors
}

// moveTag moves one tag. If that fails, it reads the tag: the request may have succeeded and only its answer been lost.
func moveTag(ctx context.Context, s *session, e entry) tagMove {
	tag := e.item.Reference.TagStr()
	err := s.putManifest(ctx, e.repo(), tag, e.artifact.top())
	if err == nil {
		return tagMove{}
	}
	got, found, askErr := s.readManifest(ctx, e.repo(), tag, transport.PushScope)
	switch {
	case askErr != nil:
		return tagMove{err: fmt.Errorf("%w (and asking where it points to: %w)", err, askErr), unknown: true}
	case found && got == e.digest:
		return tagMove{}
	}
	return tagMove{err: err}
}

// readTag reads where a tag points to. If that is not the entry's image, it reads the tag a few more times before it reports that.
func readTag(ctx context.Context, s *session, e entry) tagMove {
	for reads := 1; ; reads++ {
		got, found, err := s.readManifest(ctx, e.repo(), e.item.Reference.TagStr(), transport.PushScope)
		switch {
		case err != nil:
			return tagMove{err: fmt.Errorf("reading where it points to: %w", err), unknown: true}
		case found && got == e.digest:
			return tagMove{}
		case reads == tagReads:
			return tagMove{differs: true, found: got, err: errors.New("it points elsewhere")}
		}
		if err := sleep(ctx, s.repeat.backoff.wait(reads)); err != nil {
			return tagMove{differs: true, found: got, err: err}
		}
	}
}

// tagError is nil if every tag points to its image.
func tagError(entries []entry, moves []tagMove) error {
	var e TagError
	for i, m := range moves {
		tag := entries[i].item.Reference
		switch {
		case m.differs:
			e.Differ = append(e.Differ, TagDifference{Tag: tag, Want: entries[i].digest, Found: m.found})
		case m.unknown:
			e.Unknown = append(e.Unknown, TagFailure{tag, m.err})
		case m.err != nil:
			e.NotMoved = append(e.NotMoved, TagFailure{tag, m.err})
		default:
			e.Moved = append(e.Moved, tag)
		}
	}
	if len(e.NotMoved)+len(e.Unknown)+len(e.Differ) == 0 {
		return nil
	}
	return &e
}

// withGrace returns a context that ends d after ctx does.
func withGrace(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		_ = sleep(late, d)
		cancel()
	})
	return late, func() { stop(); cancel() }
}

// listedTags lists tags by their full names.
func listedTags(tags []name.Tag) string {
	all := make([]string, len(tags))
	for i, t := range tags {
		all[i] = t.Name()
	}
	return listed(all)
}
