package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pulpimg/pulpimg/internal/gendir"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/render/dockerfile"
)

// A dockerfileCommand is the flags of `pulpimg dockerfile`.
type dockerfileCommand struct {
	console console
	source  source
	output  string
	check   string
}

func newDockerfile(con console) *cobra.Command {
	c := &dockerfileCommand{console: con}
	cmd := &cobra.Command{
		Use:   "dockerfile [IMAGE...]",
		Short: "Write the images of a spec as Dockerfiles",
		Long: "Write the images of a spec as ordinary Dockerfiles, for who builds with another tool.\n\n" +
			"Without -o, print the Dockerfiles: all of them, or those of the images that are named. With -o, write a directory with a folder\n" +
			"for each image, those included that a named one is based on, and a docker-bake.hcl and a build.sh that build them in order.",
		Example: "  pulpimg dockerfile -f specs/pulp.yaml pulp-worker\n" +
			"  pulpimg dockerfile -f specs/pulp.yaml -o dockerfiles && dockerfiles/build.sh\n" +
			"  pulpimg dockerfile -f specs/pulp.yaml --check dockerfiles",
		RunE:              func(cmd *cobra.Command, args []string) error { return c.run(cmd.Context(), args) },
		ValidArgsFunction: completeImages,
	}
	flags := cmd.Flags()
	c.source.flags(flags)
	flags.StringVarP(&c.output, "output", "o", "", "write to this `DIR`, which must hold nothing else; what an earlier run wrote there and is no longer part is removed")
	flags.StringVar(&c.check, "check", "", "write nothing; exit with 1 and show the difference when this `DIR` is not what -o would make of it")
	return cmd
}

func (c *dockerfileCommand) run(ctx context.Context, images []string) error {
	if c.output != "" && c.check != "" {
		return usageError{errors.New("-o writes and --check does not: give one of them")}
	}
	f, err := c.source.family(ctx, c.console, images)
	if err != nil {
		return err
	}
	files, err := dockerfile.Generate(ctx, f, dockerfile.Options{SpecFile: specName(c.source.file)})
	if err != nil {
		return err
	}
	switch {
	case c.output != "":
		if _, err := dockerfiles(f, c.output).Write(ctx, files); err != nil {
			return fmt.Errorf("writing the Dockerfiles: %w", err)
		}
		fmt.Fprintf(c.console.err, "wrote %s to %s\n", count(len(f.Images), "Dockerfile"), c.output)
		return nil
	case c.check != "":
		return c.checkFolder(ctx, f, files)
	}
	return c.print(files, images)
}

// dockerfiles is a folder with the Dockerfiles of a family.
func dockerfiles(f *family.Family, dir string) gendir.Folder {
	return gendir.Folder{Dir: dir, Holds: "the Dockerfiles of " + f.Name}
}

func (c *dockerfileCommand) checkFolder(ctx context.Context, f *family.Family, files []gendir.File) error {
	difference, err := dockerfiles(f, c.check).Check(ctx, files)
	if err != nil {
		return fmt.Errorf("checking the Dockerfiles: %w", err)
	}
	if difference == "" {
		return nil
	}
	if _, err := io.WriteString(c.console.out, difference); err != nil {
		return err
	}
	return fmt.Errorf("%s is not what the spec says: write it anew with -o %s", c.check, c.check)
}

// print prints the Dockerfiles of images, or all. One alone is printed as it is; of several, a line says which is which.
func (c *dockerfileCommand) print(files []gendir.File, images []string) error {
	var shown []gendir.File
	for _, f := range files {
		if dir, name := path.Split(f.Path); name == dockerfile.Name && (len(images) == 0 || slices.Contains(images, strings.TrimSuffix(dir, "/"))) {
			shown = append(shown, f)
		}
	}
	var out bytes.Buffer
	for i, f := range shown {
		if len(shown) > 1 {
			if i > 0 {
				fmt.Fprintln(&out)
			}
			fmt.Fprintf(&out, "# ---- %s ----\n", f.Path)
		}
		out.Write(f.Data)
	}
	_, err := out.WriteTo(c.console.out)
	return err
}

// specName is how Dockerfiles call the spec: by its path from here, so that they are the same for who calls it by another.
func specName(file string) string {
	here, err := filepath.Abs(".")
	if err != nil {
		return filepath.Base(file)
	}
	absolute, err := filepath.Abs(file)
	if err != nil {
		return filepath.Base(file)
	}
	if relative, err := filepath.Rel(here, absolute); err == nil && filepath.IsLocal(relative) {
		return filepath.ToSlash(relative)
	}
	return filepath.Base(file)
}
