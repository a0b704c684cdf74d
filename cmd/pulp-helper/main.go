// Command pulp-helper is the static program that every image of a family has: it writes settings from the environment, waits for
// services, and becomes the process that the image is for.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const usage = `Usage:
  pulp-helper config NAME...                                   write these settings of the contract
  pulp-helper wait NAME|URL...                                 wait until these services answer
  pulp-helper exec [--user U] [--workdir D] [--umask M] -- COMMAND [ARG...]   become the command
`

// Exit codes, as in sysexits.h.
const (
	exitOK          = 0
	exitUsage       = 64
	exitUnavailable = 69
	exitConfig      = 78
)

// An exitError is an error with the exit code that it leads to.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string { return e.err.Error() }
func (e exitError) Unwrap() error { return e.err }

func failf(code int, format string, args ...any) error {
	return exitError{code, fmt.Errorf(format, args...)}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stderr)
	stop()
	if err == nil {
		os.Exit(exitOK)
	}
	fmt.Fprintln(os.Stderr, "pulp-helper: "+err.Error())
	code := 1
	var exit exitError
	if errors.As(err, &exit) {
		code = exit.code
	}
	os.Exit(code)
}

func run(ctx context.Context, args []string, log io.Writer) error {
	if len(args) == 0 {
		return failf(exitUsage, "name a command\n%s", usage)
	}
	switch args[0] {
	case "config":
		return config(ctx, args[1:])
	case "wait":
		return wait(ctx, args[1:], log)
	case "exec":
		return become(args[1:])
	}
	return failf(exitUsage, "there is no command %q\n%s", args[0], usage)
}
