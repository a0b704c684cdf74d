package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pulpimg/pulpimg/internal/recordrepo"
	"github.com/pulpimg/pulpimg/internal/terminal"
	"github.com/pulpimg/pulpimg/pkg/build"
	"github.com/pulpimg/pulpimg/pkg/publish"
)

// A recordsCommand is the flags of the commands below `pulpimg records`.
type recordsCommand struct {
	console  console
	source   source
	registry registryFlags
	format   format
	age      time.Duration
	dryRun   bool
	yes      bool
}

func newRecords(con console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "records",
		Short: "Look after what registries know of how images were made",
		Long: "Look after the records that registries have of how the images of a spec were made. A push leaves them there, under tags that begin with\n" +
			"key-, so that no other machine makes again what one has made.",
		Args:                       knownCommand,
		SuggestionsMinimumDistance: 2,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newRecordsList(con), newRecordsPrune(con))
	return cmd
}

func newRecordsList(con console) *cobra.Command {
	c := &recordsCommand{console: con, age: recordrepo.DefaultAge}
	cmd := &cobra.Command{
		Use:   "list [IMAGE...]",
		Short: "Show which sets of records the repositories of a spec have",
		Long: "Show which sets of records the repositories of a spec have: those of all images, or of those that are named and what they are based on.\n" +
			"SIZE counts the layers that no published image has. A published image that has all layers of a set uses the set.",
		Example: "  pulpimg records list -f specs/pulp.yaml\n" +
			"  pulpimg records list --format json | jq '.repositories[].size'",
		RunE:              func(cmd *cobra.Command, args []string) error { return c.list(cmd.Context(), args) },
		ValidArgsFunction: completeImages,
	}
	c.flags(cmd)
	return cmd
}

func newRecordsPrune(con console) *cobra.Command {
	c := &recordsCommand{console: con, age: recordrepo.DefaultAge}
	cmd := &cobra.Command{
		Use:   "prune [IMAGE...]",
		Short: "Remove the sets of records that no published image needs any more",
		Long: "Remove the sets of records that no published image needs any more from the repositories of a spec: those of all images, or of those that\n" +
			"are named and what they are based on. It says what it would remove, and asks on a terminal; elsewhere, it removes nothing without --yes.\n" +
			"A set that is missed costs time: a build makes again what it was about.",
		Example: "  pulpimg records prune -f specs/pulp.yaml --dry-run\n" +
			"  pulpimg records prune -f specs/pulp.yaml --yes",
		RunE:              func(cmd *cobra.Command, args []string) error { return c.prune(cmd.Context(), args) },
		ValidArgsFunction: completeImages,
	}
	c.flags(cmd)
	cmd.Flags().Var((*ageValue)(&c.age), "older-than",
		"of images that are not published, remove what ran this `DURATION` before the last command of the repository, such as 7d or 24h (default 30d)")
	cmd.Flags().BoolVar(&c.dryRun, "dry-run", false, "only say what would be removed")
	cmd.Flags().BoolVarP(&c.yes, "yes", "y", false, "remove it without a question")
	return cmd
}

func (c *recordsCommand) flags(cmd *cobra.Command) {
	c.source.flags(cmd.Flags())
	c.registry.flags(cmd.Flags())
	c.format.flag(cmd.Flags())
}

// read reads what the repositories of the spec's records have.
func (c *recordsCommand) read(ctx context.Context, names []string) ([]recordrepo.Repository, error) {
	if err := c.registry.check(); err != nil {
		return nil, err
	}
	f, err := c.source.publishedFamily(ctx, c.console, names)
	if err == nil && f.Records.Repository() != "" && len(names) > 0 {
		f, err = c.source.publishedFamily(ctx, c.console, nil) // in one repository, the sets of all images count
	}
	if err != nil {
		return nil, err
	}
	if f.Records.None() {
		fmt.Fprintf(c.console.err, "pulpimg: %s keeps no records in a registry\n", f.Spec.Filename)
	}
	reader, err := publish.NewReader(c.registry.options(noteWaiting(c.console)))
	if err != nil {
		return nil, err
	}
	var places []recordrepo.Place
	for _, p := range build.RecordPlaces(f) {
		places = append(places, recordrepo.Place(p))
	}
	repositories, err := recordrepo.Read(ctx, reader, places)
	return repositories, c.registry.hint(err)
}

func (c *recordsCommand) list(ctx context.Context, names []string) error {
	repositories, err := c.read(ctx, names)
	if err != nil {
		return err
	}
	if c.format.name == formatJSON {
		return printJSON(c.console.out, newRecordList(repositories, c.age))
	}
	return recordTable(c.console.out, repositories, time.Now())
}

func (c *recordsCommand) prune(ctx context.Context, names []string) error {
	repositories, err := c.read(ctx, names)
	if err != nil {
		return err
	}
	plan := newPrunePlan(repositories, c.age)
	if len(plan.remove) > 0 && plan.shared != "" {
		fmt.Fprintf(c.console.err, "pulpimg: if another spec keeps its records in %s, too, nothing here knows what that needs\n", plan.shared)
	}
	if c.format.name != formatJSON {
		if err := plan.print(c.console.out, time.Now()); err != nil {
			return err
		}
	}
	wanted, err := c.wanted(ctx, plan)
	if err == nil && wanted {
		err = c.remove(ctx, &plan)
	}
	if c.format.name == formatJSON {
		return errors.Join(printJSON(c.console.out, plan.document()), err)
	}
	if len(plan.removed) > 0 {
		fmt.Fprintf(c.console.out, "removed %s: the registry frees what only they kept when it collects its garbage\n", setCount(len(plan.removed)))
	}
	return err
}

// wanted reports whether the user wants what the plan says.
func (c *recordsCommand) wanted(ctx context.Context, plan prunePlan) (bool, error) {
	switch {
	case c.dryRun || len(plan.remove) == 0:
		return false, nil
	case c.yes:
		return true, nil
	case c.format.name == formatText && terminal.Is(os.Stdin, os.Stderr):
		return ask(ctx, os.Stdin, c.console.err, "Remove "+setCount(len(plan.remove))+"?")
	}
	fmt.Fprintln(c.console.err, "pulpimg: nothing was removed: give --yes to remove it")
	return false, nil
}

// ask asks a question, and reports whether the answer is yes.
func ask(ctx context.Context, in io.Reader, out io.Writer, question string) (bool, error) {
	fmt.Fprint(out, question+" [y/N] ")
	answers := make(chan string, 1)
	go func() { // it ends with the answer or, where the user prefers a signal, with the program
		line, _ := bufio.NewReader(in).ReadString('\n') // the end of the input is no yes
		answers <- line
	}()
	select {
	case line := <-answers:
		answer := strings.ToLower(strings.TrimSpace(line))
		return answer == "y" || answer == "yes", nil
	case <-ctx.Done():
		fmt.Fprintln(out)
		return false, context.Cause(ctx)
	}
}

// remove removes what the plan says, and has this machine tell again of what a later push publishes.
func (c *recordsCommand) remove(ctx context.Context, plan *prunePlan) error {
	removals := make([]publish.Removal, len(plan.remove))
	for i, s := range plan.remove {
		removals[i] = publish.Removal{Reference: s.Reference, Digest: s.Digest}
	}
	err := publish.RemoveTags(ctx, removals, c.registry.options(noteWaiting(c.console)), func(r publish.Removal) {
		plan.removed = append(plan.removed, r.Reference)
	})
	if len(plan.removed) > 0 {
		err = errors.Join(err, build.Cache{}.ForgetTold(plan.removed))
	}
	return c.registry.hint(err)
}
