//go:build linux

package main

import (
	"context"
	"flag"
	"io"
	"os"

	"github.com/pulpimg/pulpimg/pkg/startup/process"
)

// exec becomes the command of a command line.
func (p program) exec(ctx context.Context, args []string) error {
	what, err := parseProcess(args)
	if err != nil {
		return err
	}
	return p.become(ctx, what)
}

// become replaces this process by a command, so that the command has its process ID and receives its signals. A signal that
// comes earlier ends this process, because it is not sent again to the command.
func (p program) become(ctx context.Context, what process.Process) error {
	if ctx.Err() != nil { // the function below runs in another goroutine, and may be too late
		return context.Cause(ctx)
	}
	stop := context.AfterFunc(ctx, func() { os.Exit(p.interrupted(ctx)) })
	defer stop()
	return what.Become()
}

func parseProcess(args []string) (process.Process, error) {
	p := process.Process{Umask: -1}
	env := process.Environ()
	flags := flag.NewFlagSet("exec", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&p.User, "user", "", "")
	flags.StringVar(&p.Dir, "workdir", "", "")
	mask := flags.String("umask", "", "")
	exact := flags.Bool("exact-environment", false, "") // it has the user's HOME, USER and LOGNAME already
	if err := flags.Parse(args); err != nil {
		return p, failf(exitUsage, "exec: %w\n%s", err, usage)
	}
	if *mask != "" {
		var err error
		if p.Umask, err = parseUmask(*mask); err != nil {
			return p, failf(exitUsage, "exec: %w\n%s", err, usage)
		}
	}
	if p.Command = flags.Args(); len(p.Command) == 0 {
		return p, failf(exitUsage, "exec: name the command to become\n%s", usage)
	}
	if !*exact {
		if err := env.ForUser(p.User); err != nil {
			return p, err
		}
	}
	p.Env = env.List()
	return p, nil
}
