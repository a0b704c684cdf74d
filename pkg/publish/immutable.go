package publish

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// ImmutableError reports that immutable tags exist and point to other images than those that were to be published. No tag was moved.
type ImmutableError struct {
	// Tags are all such tags.
	Tags []TagDifference
	// Uploaded is set if somebody made the tags while the images were uploaded. Otherwise nothing was sent.
	Uploaded bool
}

func (e *ImmutableError) Error() string {
	all := make([]string, len(e.Tags))
	for i, d := range e.Tags {
		all[i] = fmt.Sprintf("%s points to %s instead of %s", d.Tag.Name(), d.Found, d.Want)
	}
	done := "nothing was sent, and no tag was moved"
	if e.Uploaded {
		done = "the images are in the registry, and no tag was moved"
	}
	return fmt.Sprintf("immutable tags exist and are of other images: %s; %s", strings.Join(all, "; "), done)
}

// conflicts is nil if no immutable tag would have to be moved.
func conflicts(entries []entry, uploaded bool) error {
	e := ImmutableError{Uploaded: uploaded}
	for _, entry := range entries {
		if entry.immutable && !entry.tagged && entry.former != (v1.Hash{}) {
			e.Tags = append(e.Tags, TagDifference{Tag: entry.item.Reference, Want: entry.digest, Found: entry.former})
		}
	}
	if len(e.Tags) == 0 {
		return nil
	}
	return &e
}

// isImmutable reports whether a tag is never moved once it exists.
func (s settings) isImmutable(tag name.Tag) bool {
	for _, pattern := range s.Immutable {
		if ok, _ := path.Match(pattern, tag.TagStr()); ok { // settings has refused what is no pattern
			return true
		}
	}
	return false
}

// lookAgain asks once more for the immutable tags that are to be made: somebody may have made them meanwhile, and what a registry denied to
// say about a repository that did not exist, it says now. If it still does not say it, no tag is moved.
func lookAgain(ctx context.Context, sessions sessions, entries []entry, o settings) error {
	unknown := make([]error, len(entries))
	each(entries, o, func(i int, e entry) {
		if !e.immutable || e.tagged {
			return
		}
		got, found, err := sessions.of(e.repo()).readManifest(ctx, e.repo(), e.item.Reference.TagStr(), transport.PushScope)
		switch {
		case err != nil:
			unknown[i] = err
		case found:
			entries[i].former, entries[i].tagged = got, got == e.digest
		}
	})
	if err := conflicts(entries, true); err != nil {
		return err
	}
	var tags []name.Tag
	var first error
	for i, err := range unknown {
		if err != nil {
			tags, first = append(tags, entries[i].item.Reference), cmp.Or(first, err)
		}
	}
	if first != nil {
		err := fmt.Errorf("finding out whether immutable tags exist already (%s): %w", listedTags(tags), first)
		return &UploadError{Err: err, Uploaded: names(entries)}
	}
	return nil
}
