//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"slices"

	"github.com/pulpimg/pulpimg/pkg/startup/contract"
	"github.com/pulpimg/pulpimg/pkg/startup/settings"
)

// config writes settings into their files.
func (p program) config(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("config", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	if err := flags.Parse(args); err != nil {
		return failf(exitUsage, "config: %w\n%s", err, usage)
	}
	if flags.NArg() == 0 {
		return failf(exitUsage, "config: name the settings to write\n%s", usage)
	}
	c, err := p.read()
	if err != nil {
		return err
	}
	env := contract.NewEnvironment(c, p.getenv)
	var (
		files []settings.File
		errs  []error
	)
	for _, name := range flags.Args() {
		at := slices.IndexFunc(c.Settings, func(s contract.Settings) bool { return s.Name == name })
		if at < 0 {
			return failf(exitUsage, "config: the image declares no settings called %q\n%s", name, usage)
		}
		file, err := settings.Resolve(c.Settings[at], env)
		files, errs = append(files, file), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return settings.Writer{LensDirs: settings.LensDirs(p.getenv("AUGEAS_LENS_LIB"))}.Write(ctx, files...)
}
