package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pulpimg/pulpimg/pkg/render/compose"
)

// A composeCommand is the flags of `pulpimg compose`.
type composeCommand struct {
	console  console
	source   source
	registry registryFlags
	values   values
	output   string
	byTag    bool
	force    bool
}

func newCompose(con console) *cobra.Command {
	c := &composeCommand{console: con}
	cmd := &cobra.Command{
		Use:   "compose [IMAGE...]",
		Short: "Print a Compose file that runs the images on one machine",
		Long: "Print a Compose file that runs the published images of a spec on one machine: all that are meant to be run, or those that are named.\n" +
			"Variables that are given no value here are taken from the environment, or the file .env, when the containers start.",
		Example:           "  pulpimg compose -f specs/pulp.yaml -o compose.yaml &&\n    PULP_SERVER_NAME=pulp.example.com docker compose up -d",
		RunE:              func(cmd *cobra.Command, args []string) error { return c.run(cmd.Context(), args) },
		ValidArgsFunction: completeImages,
	}
	flags := cmd.Flags()
	c.source.flags(flags)
	c.registry.flags(flags)
	c.values.flags(flags)
	flags.StringVarP(&c.output, "output", "o", "", "write it to this `FILE`, also in place of an older one that pulpimg wrote")
	flags.BoolVar(&c.force, "force", false, "overwrite a file that pulpimg did not write")
	flags.BoolVar(&c.byTag, "by-tag", false, "name the images by their tags, which may move, instead of their digests")
	return cmd
}

func (c *composeCommand) run(ctx context.Context, images []string) error {
	if c.force && c.output == "" {
		return usageError{errors.New("--force goes with --output: without it, nothing is overwritten")}
	}
	if err := c.registry.check(); err != nil {
		return err
	}
	f, err := c.source.publishedFamily(ctx, c.console, images)
	if err != nil {
		return err
	}
	opts := compose.Options{Images: tags(f)}
	if opts.Values, err = c.values.read(f); err != nil {
		return err
	}
	data, err := compose.Marshal(f, opts)
	if err != nil {
		return err
	}
	warnOfFiles(c.console, f.Published(), nothing)
	if !c.byTag {
		if opts.Images, err = c.source.published(ctx, c.console, f, &c.registry); err != nil {
			return err
		}
		if data, err = compose.Marshal(f, opts); err != nil {
			return err
		}
	}
	if c.output == "" {
		_, err = c.console.out.Write(data)
		return err
	}
	if err := writeGenerated(c.output, data, compose.IsGenerated, c.force); err != nil {
		return fmt.Errorf("writing the Compose file: %w", err)
	}
	return nil
}
