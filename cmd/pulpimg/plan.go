package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pulpimg/pulpimg/pkg/build"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// What a plan compares with.
const (
	againstBuild     = "build"
	againstPublished = "published"
)

// A planCommand is the flags of `pulpimg plan`.
type planCommand struct {
	build    buildCommand // whose flags decide what a build would do
	against  string
	format   string
	verbose  bool
	exitCode bool
}

func newPlan(con console) *cobra.Command {
	c := &planCommand{build: buildCommand{console: con}}
	cmd := &cobra.Command{
		Use:   "plan [IMAGE...]",
		Short: "Say what a build would do, and why",
		Long: "Say what `pulpimg build` would do for each image, and why: run commands, write layers again, or nothing. It starts no engine.\n" +
			"An image stands under \"may run\" if that depends on what a command before it makes.",
		Example: "  pulpimg plan -f specs/pulp.yaml\n" +
			"  pulpimg plan -f specs/pulp.yaml --against published --format markdown",
		RunE:              func(cmd *cobra.Command, args []string) error { return c.run(cmd.Context(), args) },
		ValidArgsFunction: completeImages,
	}
	flags := cmd.Flags()
	c.build.source.flags(flags)
	c.build.registry.pullFlags(flags)
	flags.StringSliceVar(&c.build.platform, "platform", nil, "plan for these `PLATFORMS`, such as linux/amd64,linux/arm64 (default: this machine's own)")
	flags.StringVar(&c.build.policy, "source-policy", "", "a `FILE` with a BuildKit source policy: which sources may be used, and which to use instead of others")
	flags.BoolVar(&c.build.noCache, "no-cache", false, "plan a build with --no-cache")
	flags.BoolVar(&c.build.refresh, "refresh", false, "plan a build with --refresh")
	flags.StringVar(&c.against, "against", againstBuild, "compare with the last `build`, or with what is published")
	flags.BoolVarP(&c.verbose, "verbose", "v", false, "say it of each step, too")
	flags.BoolVar(&c.exitCode, "detailed-exitcode", false, "end with 2 if there is something to do, and with 0 if there is not")
	flags.StringVar(&c.format, "format", formatText, "print it in this `FORMAT`: text, json, markdown, or github for annotations of a pull request")
	return cmd
}

// planFormats are what `pulpimg plan` prints.
var planFormats = []string{formatText, formatJSON, formatGitHub, formatMarkdown}

// formatMarkdown is a table for a comment on a pull request.
const formatMarkdown = "markdown"

func (c *planCommand) run(ctx context.Context, images []string) (err error) {
	if !slices.Contains(planFormats, c.format) {
		return usageError{fmt.Errorf("--format %s: it is one of %s", c.format, strings.Join(planFormats, ", "))}
	}
	if c.against != againstBuild && c.against != againstPublished {
		return usageError{fmt.Errorf("--against %s: write %s or %s", c.against, againstBuild, againstPublished)}
	}
	if err := c.build.registry.check(); err != nil {
		return err
	}
	c.build.progress = "quiet"
	opts, err := c.build.options()
	if err != nil {
		return err
	}
	f, err := c.build.source.family(ctx, c.build.console, images)
	if err != nil {
		return err
	}
	with, err := build.Cache{}.Layout(ctx, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, with.Close()) }()
	return c.print(ctx, f, with, opts)
}

func (c *planCommand) print(ctx context.Context, f *family.Family, with *layout.Layout, opts build.Options) error {
	plan, err := build.Predict(ctx, f, with, c.against == againstPublished, opts)
	if err != nil {
		return err
	}
	out := c.build.console.out
	switch c.format {
	case formatJSON:
		err = printJSON(out, plan)
	case formatGitHub:
		err = annotatePlan(out, plan)
	case formatMarkdown:
		err = markdownPlan(out, plan)
	default:
		err = textPlan(out, plan, c.verbose)
	}
	if err == nil && c.exitCode && plan.Changes() {
		return exitStatus(exitChanges)
	}
	return err
}

// exitChanges is the exit code of a plan that has something to do, if that is asked for; terraform plan has the same.
const exitChanges = 2

// An exitStatus ends the program with an exit code, about which everything is said already.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }
