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
	"github.com/pulpimg/pulpimg/pkg/registry"
)

// A pushCommand is the flags of `pulpimg push`.
type pushCommand struct {
	console console
	source  source
	format  format
}

func newPush(io console) *cobra.Command {
	c := &pushCommand{console: io}
	cmd := &cobra.Command{
		Use:   "push",
		Short: "Publish what the last build made",
		Long: "Publish what the last `pulpimg build` of this spec made. Blobs and manifests go first; the tags move last and together, only when\n" +
			"every image of the build is in the registry.",
		Example: "  pulpimg push -f specs/pulp.yaml",
		Args:    noArguments("it publishes all of the last build; pulpimg build IMAGE --push publishes one"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	c.source.flags(cmd.Flags())
	c.format.flag(cmd.Flags())
	return cmd
}

func (c *pushCommand) run(ctx context.Context) error {
	f, err := c.source.family(nil)
	if err != nil {
		return err
	}
	from, err := c.source.layout(f)
	if err != nil {
		return err
	}
	pushed, err := publish(ctx, c.console, f, from)
	if err != nil {
		return err
	}
	return c.format.printPublished(c.console, pushed)
}

// A publication is what publishing did.
type publication = registry.Result

// publish publishes the images of a layout under the references that the family has for them.
func publish(ctx context.Context, io console, f *family.Family, from *layout.Layout) (*publication, error) {
	images, err := from.Images()
	if errors.Is(err, layout.ErrEmpty) {
		return nil, fmt.Errorf("%w: run pulpimg build -f %s first", err, f.Spec.Filename)
	}
	if err != nil {
		return nil, err
	}
	items := make([]registry.Item, len(images))
	for i, image := range images {
		if items[i], err = item(f, from, image); err != nil {
			return nil, err
		}
	}
	bar := newUploadProgress(io.err)
	result, err := registry.Publish(ctx, items, registry.WithProgress(bar.show))
	bar.done()
	if err != nil {
		return result, err
	}
	return result, from.SetPublished(digests(result))
}

// digests returns what a publication left in the registry, by reference.
func digests(p *publication) map[string]digest.Digest {
	out := map[string]digest.Digest{}
	for _, item := range p.Items {
		out[item.Reference.Name()] = digest.Digest(item.Digest.String())
	}
	return out
}

func item(f *family.Family, from *layout.Layout, image layout.Image) (registry.Item, error) {
	declared, ok := f.Image(image.Name)
	if !ok {
		return registry.Item{}, fmt.Errorf("%s was built and is no longer in %s: build again", image.Name, f.Spec.Filename)
	}
	tag, err := name.NewTag(declared.Reference)
	if err != nil {
		return registry.Item{}, fmt.Errorf("publishing %s: %w", image.Name, err)
	}
	content, err := content(from, image.Descriptor)
	if err != nil {
		return registry.Item{}, fmt.Errorf("reading %s from %s: %w", image.Name, from.Dir(), err)
	}
	return registry.Item{Name: image.Name, Reference: tag, Content: content}, nil
}

// content opens an image or an index of a layout.
func content(from *layout.Layout, desc ocispec.Descriptor) (registry.Content, error) {
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
