package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/pulpimg/pulpimg/internal/shell"
	"github.com/pulpimg/pulpimg/internal/starter"
)

func newInit(con console) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "init [FILE|DIR]",
		Short: "Write a spec to start from",
		Long: "Write a commented spec to start from: into FILE.yaml, or as " + defaultSpec + " into DIR, which is made if there is none; without\n" +
			"either, into the current directory. The family is named after the directory.",
		Example: "  pulpimg init\n" +
			"  pulpimg init shop && pulpimg build -f shop/" + defaultSpec,
		Args:              usageArgs(cobra.MaximumNArgs(1)),
		RunE:              func(_ *cobra.Command, args []string) error { return initSpec(con, args, force) },
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),
	}
	cmd.Flags().BoolVar(&force, "force", false, "overwrite a file that is there")
	return cmd
}

func initSpec(con console, args []string, force bool) error {
	file := defaultSpec
	if len(args) > 0 {
		file = specFile(args[0])
	}
	err := starter.Write(file, force)
	if errors.Is(err, starter.ErrExists) {
		return usageError{fmt.Errorf("%w: give another name, or overwrite it with --force", err)}
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(con.out, "wrote %s\n", file)
	build := "pulpimg build"
	if file != defaultSpec {
		build += " -f " + shell.Quote(file)
	}
	fmt.Fprintf(con.out, "next: change it to what you need, and build it with: %s\n", build)
	return nil
}

// specFile returns the file that somebody means who names it, or its directory.
func specFile(name string) string {
	if ext := filepath.Ext(name); ext == ".yaml" || ext == ".yml" {
		return name
	}
	return filepath.Join(name, defaultSpec)
}
