package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/spf13/cobra"

	"github.com/pulpimg/pulpimg/internal/diagnostic"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// A validateCommand is the flags of `pulpimg validate`.
type validateCommand struct {
	console console
	source  source
	format  format
}

func newValidate(con console) *cobra.Command {
	c := &validateCommand{console: con}
	cmd := &cobra.Command{
		Use:   "validate [FILE...]",
		Short: "Check specs without building anything",
		Long: "Check specs, and that the files they name are there: all that can be known without an engine and without a network.\n" +
			"The files are those that are named, or the one of --file.",
		Example: "  pulpimg validate -f specs/pulp.yaml\n" +
			"  pulpimg validate --format github specs/*.yaml",
		RunE: func(cmd *cobra.Command, files []string) error {
			if len(files) > 0 && cmd.Flags().Changed("file") {
				return usageError{errors.New("name the specs as arguments or with --file, not both")}
			}
			return c.run(cmd.Context(), files)
		},
	}
	c.source.flags(cmd.Flags())
	c.format.flag(cmd.Flags())
	c.format.machineOnly = true
	return cmd
}

// A validSpec is a spec without mistakes, as machines read of it. Keys are added, never changed.
type validSpec struct {
	File   string   `json:"file"`
	Family string   `json:"family"`
	Images []string `json:"images"`
}

func (c *validateCommand) run(ctx context.Context, files []string) error {
	if len(files) == 0 {
		files = []string{c.source.file}
	}
	files, err := c.specs(files)
	if err != nil {
		return err
	}
	valid := []validSpec{}
	var errs []error
	for _, file := range files {
		one := c.source
		one.file = file
		f, err := one.family(ctx, c.console, nil)
		if err == nil {
			err = f.Check(runtime.GOARCH)
		}
		if err != nil {
			errs = append(errs, err)
			if len(diagnostic.Mistakes(err)) == 0 {
				break // it is none of the spec's, and may well come again with each
			}
			continue
		}
		valid = append(valid, validSpec{File: file, Family: f.Name, Images: imageNames(f)})
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if c.format.name == formatJSON {
		return printJSON(c.console.out, map[string]any{"specs": valid, "errors": []diagnostic.Record{}})
	}
	for _, v := range valid {
		fmt.Fprintf(c.console.out, "%s: %s, no mistakes\n", v.File, count(len(v.Images), "image"))
	}
	return nil
}

// specs returns the files without those of values, which *.yaml in a shell names as well.
func (c *validateCommand) specs(files []string) ([]string, error) {
	const beside = "gives values to the specs beside it, and is checked with each of them"
	isSpec := func(file string) bool { return filepath.Base(file) != family.ValuesFile }
	if !slices.ContainsFunc(files, isSpec) {
		return nil, usageError{fmt.Errorf("%s is no spec: it %s", files[0], beside)}
	}
	var specs []string
	for _, file := range files {
		if isSpec(file) {
			specs = append(specs, file)
		} else {
			fmt.Fprintf(c.console.err, "pulpimg: %s %s\n", diagnostic.Visible(file), beside)
		}
	}
	return specs, nil
}

func imageNames(f *family.Family) []string {
	names := make([]string, len(f.Images))
	for i, image := range f.Images {
		names[i] = image.Name
	}
	return names
}
