package main

import (
	"github.com/spf13/cobra"

	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

func newSchema(con console) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of specs, for editors",
		Long: "Print the JSON Schema (draft 2020-12) of specs. Editors that know YAML check and complete a spec with it whose first line is\n" +
			"  # yaml-language-server: $schema=pulpimg.schema.json",
		Example:           "  pulpimg schema > pulpimg.schema.json",
		Args:              usageArgs(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			data, err := schema.JSON()
			if err != nil {
				return err
			}
			_, err = con.out.Write(data)
			return err
		},
	}
}
