package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// A console is where a command prints: results on out, everything else on err.
type console struct{ out, err io.Writer }

// warn says what is wrong, and stops nothing.
func (c console) warn(err error) { fmt.Fprintf(c.err, "pulpimg: %v\n", err) }

func newRoot(con console) *cobra.Command {
	root := &cobra.Command{
		Use:   "pulpimg",
		Short: "Turn one YAML file into a family of container images",
		Long: "pulpimg reads a YAML file that declares a base image and the roles derived from it, builds all of them on an engine that it\n" +
			"carries inside itself, and publishes them with their tags moving last and together.",
		Version:       programVersion(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          knownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		// Two letters off is what people mistype.
		SuggestionsMinimumDistance: 2,
	}
	root.SetOut(con.out)
	root.SetErr(con.err)
	root.SetFlagErrorFunc(flagProblem)
	root.SetHelpFunc(printHelp)
	root.SetUsageFunc(func(cmd *cobra.Command) error {
		writeUsage(cmd.OutOrStderr(), cmd, columnsOf(cmd.OutOrStderr()))
		return nil
	})
	root.AddCommand(newBuild(con), newPlan(con), newPush(con), newDockerfile(con), newManifests(con), newCompose(con), newRun(con),
		newValidate(con), newShow(con), newInit(con), newSchema(con), newRecords(con), newEngine(con), newVersion(con), newMan())
	completeCommands(root)
	checkFlags(root)
	return root
}

// knownCommand returns an error about arguments of a command that only has subcommands.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("%s has no command %q; see %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
	if hint := commandHint(cmd, args[0]); hint != "" {
		return usageError{fmt.Errorf("%s has no command %q: %s", cmd.CommandPath(), args[0], hint)}
	}
	if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
		err = fmt.Errorf("%s has no command %q (did you mean %q?)", cmd.CommandPath(), args[0], like[0])
	}
	return usageError{err}
}

// usageArgs turns cobra's errors about arguments into usage errors.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
		}
		return nil
	}
}
