package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/pulpimg/pulpimg/test/lab/baseimage"
	"github.com/pulpimg/pulpimg/test/lab/debian"
	"github.com/pulpimg/pulpimg/test/lab/site"
)

const usage = `Usage:
  lab run [OPTIONS] -- COMMAND [ARGUMENT...]   run the command while the lab is there
  lab serve [OPTIONS]                          print the lab's values as JSON; end with standard input
  lab prepare [OPTIONS]                        make what the lab serves, if it is not there yet
  lab sources                                  print the apt sources of this machine that the lab uses
  lab clean [--dir DIR]                        remove the lab's folder

  --dir DIR    the lab's folder: pulpimg-lab in the user's cache folder unless given
  --services   with a database and a broker for the built images
`

// exitUsage is EX_USAGE of sysexits(3).
const exitUsage = 64

func main() {
	os.Exit(run(os.Args[1:]))
}

// run carries out the command line and returns the exit code.
func run(args []string) int {
	code, err := dispatch(args)
	var misuse usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return code
	case errors.As(err, &misuse):
		fmt.Fprintf(os.Stderr, "lab: %v\n%s", err, usage)
		return exitUsage
	default:
		logLine(err.Error())
		return 1
	}
}

// usageError is a mistake in the command line.
type usageError string

func (e usageError) Error() string { return string(e) }

func dispatch(args []string) (int, error) {
	if len(args) == 0 {
		return 0, usageError("no command")
	}
	flags := flag.NewFlagSet("lab "+args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	dir := flags.String("dir", "", "")
	services := flags.Bool("services", false, "")
	switch err := flags.Parse(args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Print(usage)
		return 0, err
	case err != nil:
		return 0, usageError(err.Error())
	}
	if *dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return 0, fmt.Errorf("looking for the user's cache folder: %w", err)
		}
		*dir = filepath.Join(cache, "pulpimg-lab")
	}
	return command(args[0], site.Config{Dir: *dir, Services: *services, Log: logLine}, flags.Args())
}

func command(name string, config site.Config, operands []string) (int, error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	switch {
	case name == "run" && len(operands) > 0:
		return runCommand(ctx, config, operands)
	case name == "run":
		return 0, usageError("run: no command to run")
	case len(operands) > 0:
		return 0, usageError(fmt.Sprintf("%s: unexpected %q", name, operands[0]))
	case name == "serve":
		return 0, serve(ctx, config, os.Stdin, os.Stdout)
	case name == "prepare":
		return 0, site.Prepare(ctx, config)
	case name == "sources":
		text, err := debian.Sources(os.DirFS("/etc/apt"), baseimage.Suite)
		fmt.Print(text)
		return 0, err
	case name == "clean" && config.Services:
		return 0, usageError("clean: --services is for the other commands")
	case name == "clean":
		return 0, site.Clean(ctx, config.Dir, logLine)
	}
	return 0, usageError(fmt.Sprintf("unknown command %q", name))
}

func logLine(line string) { fmt.Fprintln(os.Stderr, "lab:", line) }
