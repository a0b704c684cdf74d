package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newMan returns the command that a release makes its manual pages with.
func newMan() *cobra.Command {
	return &cobra.Command{
		Use:               "man DIR",
		Short:             "Write a manual page for each command into a directory",
		Hidden:            true,
		Args:              usageArgs(cobra.ExactArgs(1)),
		RunE:              func(cmd *cobra.Command, args []string) error { return writeMan(cmd.Root(), args[0]) },
		ValidArgsFunction: directories(),
	}
}

// writeMan writes the manual pages. Their date is SOURCE_DATE_EPOCH, so that two releases of one commit have the same.
func writeMan(root *cobra.Command, dir string) error {
	date, err := sourceDateEpoch()
	if err != nil {
		return err
	}
	root.DisableAutoGenTag = true
	header := &doc.GenManHeader{Section: "1", Date: &date, Source: "pulpimg " + root.Version, Manual: "pulpimg"}
	if err := doc.GenManTree(root, header, dir); err != nil {
		return fmt.Errorf("writing the manual pages: %w", err)
	}
	return nil
}
