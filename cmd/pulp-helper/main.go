//go:build linux

// Command pulp-helper is what an image of a family starts with: it writes the settings, waits for the services and becomes the
// process. It is static, so that it works in any image, and reads what the spec declared from the contract in the image.
//
//	pulp-helper start SCRIPT [ARG...]
//	pulp-helper config NAME...
//	pulp-helper wait [--tries N] [--interval SPAN] [--timeout SPAN] NAME|URL...
//	pulp-helper check [--timeout SPAN] URL
//	pulp-helper exec [--user U] [--workdir D] [--umask M] -- COMMAND [ARG...]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/pulpimg/pulpimg/internal/signals"
	"github.com/pulpimg/pulpimg/pkg/startup/contract"
	"github.com/pulpimg/pulpimg/pkg/startup/startscript"
)

// Exit codes, from sysexits.h.
// https://man.openbsd.org/sysexits.3
const (
	exitOK          = 0
	exitUsage       = 64
	exitUnavailable = 69
	exitCredentials = 77
	exitConfig      = 78
)

const usage = `Usage:
  pulp-helper start SCRIPT [ARG...]                 do what a start script says
  pulp-helper config NAME...                        write these settings of the contract
  pulp-helper wait [--tries N] [--interval SPAN] [--timeout SPAN] NAME|URL...
                                                    wait until these services answer
  pulp-helper check [--timeout SPAN] URL            ask for a page of a web server, once
  pulp-helper exec [--user U] [--workdir D] [--umask M] -- COMMAND [ARG...]
                                                    become the command
`

func main() { os.Exit(run(contract.Path, startscript.Path, os.Args[1:])) }

// run runs the program with the contract and the start script in these files.
func run(contract, script string, args []string) (code int) {
	// This comes first: the kernel drops signals for a container's first process that it has no handler for.
	ctx, stop := signals.Context(context.Background(), syscall.SIGHUP, syscall.SIGQUIT)
	defer stop()
	return program{contract: contract, script: script, getenv: os.Getenv, setenv: os.Setenv, stderr: os.Stderr}.run(ctx, args)
}

// A program is pulp-helper with its environment.
type program struct {
	contract string // the file
	script   string // the file, which an image that is no role does not have
	getenv   func(string) string
	setenv   func(name, value string) error
	stderr   io.Writer
}

// run runs a command and returns the exit code.
func (p program) run(ctx context.Context, args []string) int {
	err := p.command(ctx, args)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(p.stderr, usage)
		return exitOK
	}
	if ctx.Err() != nil {
		return p.interrupted(ctx)
	}
	code, text := exitConfig, err.Error()
	var coded *exitError
	if errors.As(err, &coded) {
		code = coded.code
	}
	if code != exitUsage { // a usage error's text ends with the usage
		text = strings.ReplaceAll(text, "\n", "\npulp-helper: ")
	}
	fmt.Fprintf(p.stderr, "pulp-helper: %s\n", strings.TrimSuffix(text, "\n"))
	return code
}

// interrupted prints which signal ended the program, and returns its exit code.
func (p program) interrupted(ctx context.Context) int {
	end := signals.Error{Signal: cause(ctx)}
	fmt.Fprintf(p.stderr, "pulp-helper: %v\n", end)
	return end.ExitCode()
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func (p program) command(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return failf(exitUsage, "name a command\n%s", usage)
	}
	switch name, rest := args[0], args[1:]; name {
	case "start":
		return p.start(ctx, rest)
	case "config":
		return p.config(ctx, rest)
	case "wait":
		return p.wait(ctx, rest, p.asStart)
	case "check":
		return p.check(ctx, rest)
	case "exec":
		return p.exec(ctx, rest)
	default:
		return failf(exitUsage, "there is no command %q\n%s", name, usage)
	}
}

// An exitError is an error that decides the exit code. Any other error is a misconfiguration.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func failf(code int, format string, args ...any) error {
	return &exitError{code: code, err: fmt.Errorf(format, args...)}
}
