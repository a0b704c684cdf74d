package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	ggcrlayout "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
	"github.com/pulpimg/pulpimg/pkg/publish"
)

// A pushCommand is the flags of `pulpimg push`.
type pushCommand struct {
	console   console
	source    source
	registry  registryFlags
	format    format
	lastBuild bool
}

func newPush(con console) *cobra.Command {
	c := &pushCommand{console: con}
	cmd := &cobra.Command{
		Use:   "push [IMAGE...]",
		Short: "Publish what was built",
		Long: "Publish what `pulpimg build` made of this spec: all images, or those that are named and what they are based on. Blobs and manifests\n" +
			"go first; the tags move last and together, only when every image is in the registry. If the spec or its files are no longer what\n" +
			"was built, nothing is published.",
		Example: "  pulpimg push -f specs/pulp.yaml\n" +
			"  pulpimg push -f specs/pulp.yaml --tag latest",
		RunE: func(cmd *cobra.Command, args []string) error { return c.run(cmd.Context(), args) },
	}
	flags := cmd.Flags()
	c.source.flags(flags)
	c.registry.flags(flags)
	c.format.flag(flags)
	flags.BoolVar(&c.lastBuild, "last-build", false, "publish the last build as it is and under the names that it was built for, whatever the spec says now")
	return cmd
}

func (c *pushCommand) run(ctx context.Context, names []string) (err error) {
	if c.lastBuild && len(names)+len(c.source.registry)+len(c.source.tag) > 0 {
		return usageError{errors.New("--last-build publishes what was built as it was built: it takes no images, and no --registry or --tag")}
	}
	if err := c.registry.check(); err != nil {
		return err
	}
	f, err := c.source.family(names)
	if err != nil {
		return err
	}
	from, err := c.source.layout(ctx, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	images, err := c.images(ctx, f, from)
	if err != nil {
		return err
	}
	pushed, err := publishImages(ctx, c.console, from, images, &c.registry)
	if err != nil {
		return err
	}
	return c.format.printPublished(c.console, pushed)
}

// images returns what to publish.
func (c *pushCommand) images(ctx context.Context, f *family.Family, from *layout.Layout) ([]layout.Image, error) {
	if !c.lastBuild {
		return builtImages(ctx, f, from)
	}
	last, err := lastBuild(f, from)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(c.console.err, "publishing build %d (%s)\n", last.Number, buildTime(last))
	return last.Images, nil
}

// A publication is what publishing did.
type publication = publish.Result

// publishImages publishes images of a layout under their references. That the layout cannot record it is no failure: what was asked for is done.
func publishImages(ctx context.Context, con console, from *layout.Layout, images []layout.Image, flags *registryFlags) (*publication, error) {
	items := make([]publish.Item, len(images))
	for i, image := range images {
		var err error
		if items[i], err = item(from, image); err != nil {
			return nil, err
		}
	}
	bar := newUploadProgress(con.err)
	result, err := publish.Publish(ctx, items, append(flags.options(bar.waiting), publish.WithProgress(bar.show))...)
	bar.done()
	if err != nil {
		return result, flags.hint(err)
	}
	if err := from.SetPublished(digests(result)); err != nil {
		fmt.Fprintf(con.err, "pulpimg: everything is published, but later commands will ask the registry for it: %v\n", err)
	}
	return result, nil
}

// digests returns what a publication left in the registry, by reference.
func digests(p *publication) map[string]digest.Digest {
	out := map[string]digest.Digest{}
	for _, item := range p.Items {
		out[item.Reference.Name()] = digest.Digest(item.Digest.String())
	}
	return out
}

func item(from *layout.Layout, image layout.Image) (publish.Item, error) {
	tag, err := name.NewTag(image.Reference)
	if err != nil {
		return publish.Item{}, fmt.Errorf("publishing %s: %w", image.Name, err)
	}
	content, err := content(from, image.Descriptor)
	if err != nil {
		return publish.Item{}, fmt.Errorf("reading %s from %s: %w", image.Name, from.Dir(), err)
	}
	return publish.Item{Name: image.Name, Reference: tag, Content: content}, nil
}

// content opens an image or an index of a layout.
func content(from *layout.Layout, desc ocispec.Descriptor) (publish.Content, error) {
	digest, err := v1.NewHash(desc.Digest.String())
	if err != nil {
		return nil, err
	}
	if desc.MediaType != ocispec.MediaTypeImageIndex {
		return ggcrlayout.Path(from.Dir()).Image(digest)
	}
	index, err := ggcrlayout.Path(from.Dir()).ImageIndex()
	if err != nil {
		return nil, err
	}
	return index.ImageIndex(digest)
}
