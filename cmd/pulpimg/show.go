package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pulpimg/pulpimg/internal/inventory"
)

// showFormats are what `pulpimg show` prints.
var showFormats = []string{"yaml", "json"}

func newShow(con console) *cobra.Command {
	var (
		source source
		format string
	)
	cmd := &cobra.Command{
		Use:   "show [IMAGE...]",
		Short: "Show what a spec means, and where each value comes from",
		Long: "Show the images of a spec as they would be built: all of them, or those that are named and what they are based on. Beside each value is\n" +
			"where it comes from: the spec with line and column, a default, a flag, or pulpimg itself.",
		Example: "  pulpimg show -f specs/pulp.yaml pulp-worker\n" +
			"  pulpimg show -f specs/pulp.yaml --format json | jq -r '.images[].reference'",
		RunE: func(cmd *cobra.Command, images []string) error {
			if !slices.Contains(showFormats, format) {
				return usageError{fmt.Errorf("--format %s: it is one of %s", format, strings.Join(showFormats, ", "))}
			}
			return show(cmd.Context(), con, source, format, images)
		},
		ValidArgsFunction: completeImages,
	}
	source.flags(cmd.Flags())
	cmd.Flags().StringVar(&format, "format", "yaml", "print it as `FORMAT`: yaml or json")
	_ = cmd.RegisterFlagCompletionFunc("format", fixed(showFormats...)) // fails for no flag that there is
	return cmd
}

func show(ctx context.Context, con console, source source, format string, images []string) error {
	f, err := source.family(ctx, con, images)
	if err != nil {
		return err
	}
	list := inventory.New(f, inventory.Overrides{Registry: "--registry", Tag: "--tag", Variable: "--set"})
	if format == "json" {
		return list.WriteJSON(con.out)
	}
	return list.WriteYAML(con.out)
}
