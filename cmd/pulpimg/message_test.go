package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pulpimg/pulpimg/pkg/publish"
)

func TestMessageOf(t *testing.T) {
	tag := func(s string) name.Tag {
		parsed, err := name.NewTag(s)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	hash := func(c string) v1.Hash { return v1.Hash{Algorithm: "sha256", Hex: strings.Repeat(c, 64)} }
	one := publish.TagDifference{Tag: tag("r.example/a:1"), Want: hash("a"), Found: hash("b")}
	gone := publish.TagDifference{Tag: tag("r.example/a:2"), Want: hash("a")}
	is, not := "\n    is  sha256:"+strings.Repeat("b", 64), "\n    not sha256:"+strings.Repeat("a", 64)
	refused := &publish.ImmutableError{Tags: []publish.TagDifference{one}}
	for _, test := range []struct {
		name string
		err  error
		want string
	}{
		{"another error", errors.New("a"), "a"},
		{"an immutable tag", refused, "an immutable tag exists, and is of another image: nothing was sent, and no tag was moved\n  r.example/a:1" + is + not},
		{"several", &publish.ImmutableError{Tags: []publish.TagDifference{one, one}, Uploaded: true},
			"2 immutable tags exist, and are of other images: the images are in the registry, and no tag was moved" + strings.Repeat("\n  r.example/a:1"+is+not, 2)},
		{"one that a preview showed", refusedPreview{refused}, "an immutable tag exists, and is of another image"},
		{"one with more words", fmt.Errorf("%w; so", refused), refused.Error() + "; so"},
		{"tags", &publish.TagError{
			Moved: []name.Tag{tag("r.example/a:3")}, NotMoved: []publish.TagFailure{{Tag: tag("r.example/a:4"), Err: errors.New("no")}},
			Unknown: []publish.TagFailure{{Tag: tag("r.example/a:5"), Err: errors.New("down")}}, Differ: []publish.TagDifference{one, gone},
		}, "the images are in the registry, but not every tag points to its image\nnot moved:\n  r.example/a:4: no\nmoved, but changed since:\n  r.example/a:1" + is + not +
			"\n  r.example/a:2\n    does not exist" + not + "\nnot known:\n  r.example/a:5: down\nmoved:\n  r.example/a:3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := messageOf(test.err)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for line := range strings.Lines(messageOf(refused)) {
		if strings.Contains(line, "sha256") && len(strings.TrimSuffix(line, "\n")) > 80 {
			t.Errorf("a line of %d columns: %s", len(line), line)
		}
	}
}
