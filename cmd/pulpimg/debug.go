package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pulpimg/pulpimg/internal/shell"
	"github.com/pulpimg/pulpimg/internal/terminal"
	"github.com/pulpimg/pulpimg/pkg/build"
)

// A debugError is a failed build, and what can be or was seen of it from the inside.
type debugError struct {
	error
	command string // the command line that looks at it, or empty
	seen    bool   // the user has seen the error already
}

func (e debugError) Unwrap() error { return e.error }

// needTerminal returns an error when there is nobody to talk to a shell. The shell is where people are: standard output is for results.
func needTerminal() error {
	if !terminal.Is(os.Stdin, os.Stderr) {
		return usageError{errors.New("--debug opens a shell where a step fails, and needs a terminal for it on standard input and standard error")}
	}
	return nil
}

// openShell lets a person look at a failed command: first what it said, then where it ran.
func (c *buildCommand) openShell(ctx context.Context, failed *build.FailedCommand) (err error) {
	if err := problemOf(ctx, failed.Err).print(c.console, format{name: formatText}); err != nil {
		return err
	}
	c.seen = true
	err = failed.Shell(ctx, func() (build.Terminal, error) {
		fmt.Fprintf(c.console.err, "pulpimg: a shell where %s failed, in %s as %s; exit ends the build\n", failed.Step, failed.Dir, failed.User)
		return terminal.Open(os.Stdin, os.Stderr)
	})
	if errors.Is(err, build.ErrNoShell) {
		return fmt.Errorf("--debug: %w to look at it from the inside", err)
	}
	return err
}

// withDebug adds to a failed build how to look deeper: with the same command, for the image whose command failed.
func (c *buildCommand) withDebug(cmd *cobra.Command, err error) error {
	var failed *build.Error
	switch {
	case !errors.As(err, &failed):
		return err
	case c.debug && c.seen:
		return debugError{error: err, seen: true}
	case c.debug && failed.Image == "":
		return errors.Join(err, errors.New("--debug: what failed is no command in an image, so there is no file system to open a shell in"))
	case c.debug:
		return debugError{error: err}
	case failed.Image == "":
		return err
	}
	return debugError{error: err, command: debugCommand(cmd, failed)}
}

// debugCommand returns the command line that builds the image that failed like this one, and opens a shell where it fails.
func debugCommand(cmd *cobra.Command, failed *build.Error) string {
	// What becomes of the images when all goes well, and how it is told, makes no difference; the first are there already.
	without := []string{"debug", "file", "format", "load", "metadata-file", "output", "progress", "push"}
	words := []string{os.Args[0], "build", "--debug", failed.Image, "-f", cmd.Flag("file").Value.String()}
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if !slices.Contains(without, flag.Name) {
			words = append(words, flagWords(flag)...)
		}
	})
	for i, word := range words {
		_, value, _ := strings.Cut(word, "=")
		words[i] = failed.Redact(strings.TrimSuffix(word, value) + failed.Redact(value))
	}
	return shell.Words(words)
}

// flagWords writes a flag as it is given on a command line.
func flagWords(flag *pflag.Flag) []string {
	values := []string{flag.Value.String()}
	if values[0] == flag.NoOptDefVal {
		return []string{"--" + flag.Name}
	}
	if flag.NoOptDefVal != "" { // then the next word is no value of it
		return []string{"--" + flag.Name + "=" + values[0]}
	}
	if several, ok := valueOf(flag).(pflag.SliceValue); ok {
		values = several.GetSlice()
	}
	var words []string
	for _, value := range values {
		words = append(words, "--"+flag.Name, value)
	}
	return words
}
