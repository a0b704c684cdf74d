package registry

import (
	"context"
	"fmt"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/errgroup"
)

// tagGrace is how long tags may go on moving when the publication is cancelled. A family of which half has moved is
// worse than a few seconds, and moving one is a single small request.
const tagGrace = 5 * time.Second

// tagMove is what came of moving one tag.
type tagMove struct {
	err     error
	unknown bool // err may have come after the tag moved
}

// moveTags makes the tags of all entries point to their images. Each is tried, whatever becomes of the others.
func moveTags(ctx context.Context, sessions sessions, entries []entry, o options) error {
	if err := ctx.Err(); err != nil {
		return &UploadError{Err: err, Uploaded: names(entries)}
	}
	ctx, cancel := withGrace(ctx, tagGrace)
	defer cancel()
	moves := make([]tagMove, len(entries))
	var g errgroup.Group
	g.SetLimit(o.questions())
	for i, e := range entries {
		if !e.tagged {
			g.Go(func() error {
				moves[i] = moveTag(ctx, sessions.of(e.repo()), e)
				return nil
			})
		}
	}
	_ = g.Wait() // the failures are in moves
	return tagError(entries, moves)
}

// moveTag moves one tag. If that fails it asks where the tag points to, as the answer alone may have been lost.
func moveTag(ctx context.Context, s *session, e entry) tagMove {
	tag := e.item.Reference.TagStr()
	err := s.putManifest(ctx, e.repo(), tag, e.artifact.top())
	if err == nil {
		return tagMove{}
	}
	got, found, askErr := s.headManifest(ctx, e.repo(), tag, transport.PushScope)
	switch {
	case askErr != nil:
		return tagMove{err: fmt.Errorf("%w (and asking where it points to: %w)", err, askErr), unknown: true}
	case found && got == e.digest:
		return tagMove{}
	}
	return tagMove{err: err}
}

// tagError is nil if every tag moved.
func tagError(entries []entry, moves []tagMove) error {
	var e TagError
	for i, m := range moves {
		tag := entries[i].item.Reference
		switch {
		case entries[i].tagged:
		case m.err == nil:
			e.Moved = append(e.Moved, tag)
		case m.unknown:
			e.Unknown = append(e.Unknown, TagFailure{tag, m.err})
		default:
			e.NotMoved = append(e.NotMoved, TagFailure{tag, m.err})
		}
	}
	if len(e.NotMoved)+len(e.Unknown) == 0 {
		return nil
	}
	return &e
}

// withGrace gives a context that ends d after ctx does.
func withGrace(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		_ = sleep(late, d)
		cancel()
	})
	return late, func() { stop(); cancel() }
}

func names(entries []entry) []string {
	all := make([]string, len(entries))
	for i, e := range entries {
		all[i] = e.item.Name
	}
	return all
}
