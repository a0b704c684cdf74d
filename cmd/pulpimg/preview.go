package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/pkg/layout"
	"github.com/pulpimg/pulpimg/pkg/publish"
)

// preview prints what publishing images would do. Immutable tags that it would have to move are an error all the same.
func (c *pushCommand) preview(ctx context.Context, from *layout.Layout, images []layout.Image, immutable []string) error {
	items, err := publish.Items(from, images)
	if err != nil {
		return err
	}
	opts := c.registry.options(noteWaiting(c.console))
	opts.Immutable = immutable
	result, err := publish.Preview(ctx, items, opts)
	var refused *publish.ImmutableError
	if err != nil && !errors.As(err, &refused) {
		return c.registry.hint(err)
	}
	p := newPreview(result, refused)
	if c.format.name == formatJSON {
		c.format.told = true
		return errors.Join(printJSON(c.console.out, p), err)
	}
	p.print(c.console)
	if refused != nil {
		return refusedPreview{refused}
	}
	return nil
}

// A preview is what publishing would do, as machines read it. Keys are added, never changed.
type preview struct {
	DryRun bool           `json:"dry_run"`
	Images []previewImage `json:"images"`

	summary string
}

type previewImage struct {
	Image        string              `json:"image"`
	Digest       string              `json:"digest"`
	Repositories []previewRepository `json:"repositories"`
}

// A previewRepository is what would come into a repository of an image.
type previewRepository struct {
	Repository  string       `json:"repository"`
	SendBytes   int64        `json:"send_bytes"`
	MountBytes  int64        `json:"mount_bytes"`
	MountLayers int          `json:"mount_layers"`
	Tags        []previewTag `json:"tags"`
}

type previewTag struct {
	Tag    string `json:"tag"`
	Action action `json:"action"`
	// Former is the digest that the tag points to now.
	Former string `json:"former,omitempty"`
}

// An action is what would become of a tag.
type action string

const (
	toCreate action = "create"
	toMove   action = "move"
	toKeep   action = "keep"   // it points to the image
	toRefuse action = "refuse" // it is immutable, and points to another image
	toSet    action = "set"    // created or moved: the registry does not say whether it exists
)

func newPreview(result *publication, refused *publish.ImmutableError) preview {
	p := preview{DryRun: true, summary: previewSummary(result, refused)}
	forbidden := map[name.Tag]bool{}
	if refused != nil {
		for _, d := range refused.Tags {
			forbidden[d.Tag] = true
		}
	}
	for _, image := range byImage(result) {
		out := previewImage{Image: image.name, Digest: image.digest().String()}
		for _, item := range image.items {
			repository := item.Reference.Repository.Name()
			if n := len(out.Repositories); n == 0 || out.Repositories[n-1].Repository != repository {
				out.Repositories = append(out.Repositories, previewRepository{Repository: repository})
			}
			at := &out.Repositories[len(out.Repositories)-1]
			at.SendBytes += item.Pushed.Bytes
			at.MountBytes += item.Mounted.Bytes
			at.MountLayers += item.Mounted.Layers
			at.Tags = append(at.Tags, newPreviewTag(item, forbidden[item.Reference]))
		}
		p.Images = append(p.Images, out)
	}
	return p
}

func newPreviewTag(item publish.Published, forbidden bool) previewTag {
	t := previewTag{Tag: item.Reference.TagStr(), Action: toMove}
	exists := item.Former != (v1.Hash{})
	if exists {
		t.Former = item.Former.String()
	}
	switch {
	case forbidden:
		t.Action = toRefuse
	case !item.TagMoved:
		t.Action = toKeep
	case item.Unknown:
		t.Action = toSet
	case !exists:
		t.Action = toCreate
	}
	return t
}

// text says what would become of a tag.
func (t previewTag) text() string {
	switch t.Action {
	case toCreate:
		return "would be created"
	case toKeep:
		return "is in place"
	case toSet:
		return "would be set; the registry does not say what it is"
	case toRefuse:
		return "is immutable, and points to " + short(digest.Digest(t.Former))
	}
	return "would move from " + short(digest.Digest(t.Former))
}

func (p preview) print(con console) {
	for _, image := range p.Images {
		fmt.Fprintf(con.out, "%s %s\n", image.Image, short(digest.Digest(image.Digest)))
		for _, repository := range image.Repositories {
			fmt.Fprintf(con.out, "  %s\n    %s to send, %s to mount\n",
				repository.Repository, size(repository.SendBytes), count(repository.MountLayers, "layer"))
			for _, tag := range repository.Tags {
				fmt.Fprintf(con.out, "    %s %s\n", tag.Tag, tag.text())
			}
		}
	}
	fmt.Fprintln(con.out, "\n"+p.summary)
}

func previewSummary(result *publication, refused *publish.ImmutableError) string {
	if refused != nil {
		return fmt.Sprintf("nothing was done, and nothing would be: %s may not be moved", count(len(refused.Tags), "tag"))
	}
	moved, registries := movedTags(result)
	return fmt.Sprintf("nothing was done; %s would send %s and move %s%s",
		count(len(byImage(result)), "image"), size(result.PushedBytes()), count(moved, "tag"), inRegistries(registries))
}
