package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/render/compose"
)

// A composeCommand is the flags of `pulpimg compose`.
type composeCommand struct {
	console  console
	source   source
	registry registryFlags
	values   values
	secrets  secretFiles
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
			"A cronjob is in it only when it is named, and runs once. What waits for a job starts when the job has ended.\n" +
			"Variables that are given no value here are taken from the environment, or the file .env, when the containers start.",
		Example:           "  pulpimg compose -f specs/pulp.yaml -o compose.yaml &&\n    PULP_SERVER_NAME=pulp.example.com docker compose up -d",
		RunE:              func(cmd *cobra.Command, args []string) error { return c.run(cmd.Context(), args) },
		ValidArgsFunction: completeImages,
	}
	flags := cmd.Flags()
	c.source.flags(flags)
	c.registry.flags(flags)
	c.values.flags(flags)
	c.secrets.flag(flags, "have Compose mount this file where the spec has the secret `ID` (default: secrets/ID, beside the Compose file)")
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
	opts := compose.Options{Images: tags(f), CronJobs: len(images) > 0}
	if opts.Values, err = c.values.read(f); err != nil {
		return err
	}
	if opts.Secrets, err = c.secretFiles(f); err != nil {
		return err
	}
	data, err := compose.Marshal(f, opts)
	leftOut := cronJobs(f, opts)
	if errors.Is(err, family.ErrNothingToRun) && len(leftOut) > 0 {
		return usageError{fmt.Errorf("a Compose file has no schedule for %s: name what it shall run once", strings.Join(leftOut, ", "))}
	}
	if err != nil {
		return withHint(f, err, "")
	}
	for _, name := range leftOut {
		fmt.Fprintf(c.console.err, "%s is left out: it is a cronjob, and Compose has no schedule; by name, it runs once\n", name)
	}
	warnOfIdle(c.console, f)
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

// secretFiles returns the files of secrets as a Compose file names them: a path that is relative is one from the folder of that file.
func (c *composeCommand) secretFiles(f *family.Family) (map[string]string, error) {
	files, err := c.secrets.files(f)
	if err != nil {
		return nil, err
	}
	for id, file := range files {
		if filepath.IsAbs(file) {
			continue
		}
		relative, err := relativeTo(filepath.Dir(c.output), file) // without an output, it is the folder that pulpimg runs in
		if err != nil {
			return nil, fmt.Errorf("--secret id=%s: %w", id, err)
		}
		files[id] = relative
	}
	return files, nil
}

// relativeTo returns the path of a file relative to a folder. Both are relative to the current folder. The result begins with "./" or "../": in some
// places, a Compose file takes a plain name for the name of a volume.
func relativeTo(folder, file string) (string, error) {
	from, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	to, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	relative, err := filepath.Rel(from, to)
	if err != nil || strings.HasPrefix(relative, "../") {
		return relative, err
	}
	return "./" + relative, nil
}

// cronJobs returns the images that are meant to be run, and that a Compose file leaves out.
func cronJobs(f *family.Family, opts compose.Options) []string {
	var out []string
	for _, image := range f.Images {
		if image.Runs() && !opts.Runs(image) {
			out = append(out, image.Name)
		}
	}
	return out
}
