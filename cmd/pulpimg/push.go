package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pulpimg/pulpimg/pkg/build"
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
	dryRun    bool
}

func newPush(con console) *cobra.Command {
	c := &pushCommand{console: con}
	cmd := &cobra.Command{
		Use:   "push [IMAGE...]",
		Short: "Publish what was built",
		Long: "Publish what `pulpimg build` made of this spec: all images, or those that are named and what they are based on. Blobs and manifests\n" +
			"go first; the tags move last and together, only when every image is in every registry. If the spec or its files are no longer what\n" +
			"was built, nothing is published.",
		Example: "  pulpimg push -f specs/pulp.yaml\n" +
			"  pulpimg push -f specs/pulp.yaml --tag 2.21.3 --tag latest --dry-run",
		RunE:              func(cmd *cobra.Command, args []string) error { return c.run(cmd.Context(), args) },
		ValidArgsFunction: completeImages,
	}
	flags := cmd.Flags()
	c.source.flags(flags)
	c.registry.flags(flags)
	c.format.flag(flags)
	flags.BoolVar(&c.lastBuild, "last-build", false, "publish the last build as it is and under the names that it was built for, whatever the spec says now")
	flags.BoolVar(&c.dryRun, "dry-run", false, "only say what would be sent, and which tags would be created or moved; asks the registries, and needs no right to push")
	return cmd
}

func (c *pushCommand) run(ctx context.Context, names []string) (err error) {
	if c.lastBuild && len(names)+len(c.source.registries)+len(c.source.tags) > 0 {
		return usageError{errors.New("--last-build publishes what was built as it was built: it takes no images, and no --registry or --tag")}
	}
	if err := c.registry.check(); err != nil {
		return err
	}
	f, err := c.source.publishedFamily(ctx, c.console, names)
	if err != nil {
		return err
	}
	from, err := build.Cache{}.Layout(ctx, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	images, err := c.images(ctx, f, from)
	if err != nil {
		return withBuildHint(f, err)
	}
	if c.dryRun {
		return c.preview(ctx, from, images, f.Immutable)
	}
	pushed, err := publishImages(ctx, c.console, f, from, images, &c.registry)
	if err != nil {
		return err
	}
	return c.format.printPublished(c.console, pushed)
}

// images returns what to publish.
func (c *pushCommand) images(ctx context.Context, f *family.Family, from *layout.Layout) ([]layout.Image, error) {
	if !c.lastBuild {
		return build.Cache{}.Current(ctx, f, from)
	}
	builds, err := from.Builds()
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(c.console.err, "publishing %s\n", builds[0])
	return builds[0].Images, nil
}

// withBuildHint adds what to do to an error about builds of a family that are needed and not there.
func withBuildHint(f *family.Family, err error) error {
	var stale *build.StaleError
	switch {
	case errors.As(err, &stale):
		return fmt.Errorf("%w; run pulpimg build -f %s, or take that build as it is with --last-build", err, stale.Spec)
	case errors.Is(err, layout.ErrEmpty):
		return fmt.Errorf("%w: run pulpimg build -f %s first", err, f.Spec.Filename)
	}
	return err
}

// A publication is what publishing did.
type publication = publish.Result

// publishImages publishes images of a layout under their references, and tells the registry how they were made. That the layout cannot record it,
// or that the registry takes no records, is no failure: what was asked for is done.
func publishImages(ctx context.Context, con console, f *family.Family, from *layout.Layout, images []layout.Image, flags *registryFlags) (*publication, error) {
	bar := newTransferProgress(con.err, "publishing")
	opts := flags.options(bar.waiting)
	opts.Progress = bar.show
	opts.Immutable = f.Immutable
	result, err := publish.Images(ctx, from, images, opts)
	bar.done()
	var unrecorded *publish.RecordError
	if errors.As(err, &unrecorded) {
		fmt.Fprintf(con.err, "pulpimg: everything is published, but later commands will ask the registry for it: %v\n", unrecorded.Err)
		err = nil
	}
	if err != nil {
		return result, flags.hint(err)
	}
	opts.Progress, opts.Waiting = nil, nil
	if err := build.Share(ctx, f, from, images, build.Cache{}, opts); err != nil && ctx.Err() == nil {
		fmt.Fprintf(con.err, "pulpimg: everything is published, but other machines will make it again: %v\n", err)
	}
	return result, nil
}
