package main

import (
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pulpimg/pulpimg/pkg/publish"
)

// messageOf returns what an error says to people. Errors about many tags have a line for each: in one line, nobody finds anything.
func messageOf(err error) string {
	var immutable *publish.ImmutableError
	var tags *publish.TagError
	switch {
	case errors.As(err, &immutable) && err.Error() == immutable.Error():
		return immutableText(immutable)
	case errors.As(err, &tags) && err.Error() == tags.Error():
		return tagsText(tags)
	}
	return err.Error()
}

func immutableText(e *publish.ImmutableError) string {
	var b strings.Builder
	done := "nothing was sent, and no tag was moved"
	if e.Uploaded {
		done = "the images are in the registry, and no tag was moved"
	}
	fmt.Fprintf(&b, "%s: %s", existing(len(e.Tags)), done)
	writeDifferences(&b, e.Tags)
	return b.String()
}

func existing(tags int) string {
	if tags == 1 {
		return "an immutable tag exists, and is of another image"
	}
	return fmt.Sprintf("%d immutable tags exist, and are of other images", tags)
}

// writeDifferences writes tags with what they point to, and what they should point to.
func writeDifferences(b *strings.Builder, all []publish.TagDifference) {
	for _, d := range all {
		found := "does not exist"
		if d.Found != (v1.Hash{}) {
			found = "is  " + d.Found.String()
		}
		fmt.Fprintf(b, "\n  %s\n    %s\n    not %s", d.Tag.Name(), found, d.Want)
	}
}

func tagsText(e *publish.TagError) string {
	var b strings.Builder
	b.WriteString("the images are in the registry, but not every tag points to its image")
	heading := func(text string, n int) {
		if n > 0 {
			b.WriteString("\n" + text)
		}
	}
	heading("not moved:", len(e.NotMoved))
	for _, f := range e.NotMoved {
		fmt.Fprintf(&b, "\n  %s: %v", f.Tag.Name(), f.Err)
	}
	heading("moved, but changed since:", len(e.Differ))
	writeDifferences(&b, e.Differ)
	heading("not known:", len(e.Unknown))
	for _, f := range e.Unknown {
		fmt.Fprintf(&b, "\n  %s: %v", f.Tag.Name(), f.Err)
	}
	heading("moved:", len(e.Moved))
	for _, tag := range e.Moved {
		b.WriteString("\n  " + tag.Name())
	}
	return b.String()
}

// A refusedPreview is the error of a preview that has shown already which tags may not be moved.
type refusedPreview struct{ *publish.ImmutableError }

func (e refusedPreview) Error() string {
	return existing(len(e.Tags))
}

// Unwrap gives the tags.
func (e refusedPreview) Unwrap() error { return e.ImmutableError }
