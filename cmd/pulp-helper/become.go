package main

import (
	"flag"
	"io"
	"os"
	"strconv"

	"github.com/pulpimg/pulpimg/pkg/process"
)

// become replaces this process by a command, so that the command has its process ID and receives its signals.
func become(args []string) error {
	p, err := parseProcess(args)
	if err != nil {
		return err
	}
	return p.Become()
}

func parseProcess(args []string) (process.Process, error) {
	p := process.Process{Umask: -1, Env: os.Environ()}
	flags := flag.NewFlagSet("exec", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&p.User, "user", "", "")
	flags.StringVar(&p.Dir, "workdir", "", "")
	mask := flags.String("umask", "", "")
	if err := flags.Parse(args); err != nil {
		return p, failf(exitUsage, "exec: %w\n%s", err, usage)
	}
	if *mask != "" {
		bits, err := strconv.ParseUint(*mask, 8, 9)
		if err != nil {
			return p, failf(exitUsage, "exec: %q is no umask\n%s", *mask, usage)
		}
		p.Umask = int(bits)
	}
	if p.Command = flags.Args(); len(p.Command) == 0 {
		return p, failf(exitUsage, "exec: name the command to become\n%s", usage)
	}
	return p, nil
}
