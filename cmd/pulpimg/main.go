// Command pulpimg turns one YAML file into a family of container images.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/sirupsen/logrus"

	"github.com/pulpimg/pulpimg/pkg/interrupt"
)

func main() { os.Exit(run(os.Args[1:])) }

// run runs the program and returns its exit code. The first SIGINT or SIGTERM ends the work in an orderly way, the second at once.
func run(args []string) int {
	// What the libraries log is not meant for the users of this program; what matters to them comes as an error.
	logrus.SetOutput(io.Discard)
	ctx, stop := interrupt.Context(context.Background())
	defer stop()
	io := console{out: os.Stdout, err: os.Stderr}
	root := newRoot(io)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if printErr := problemOf(ctx, err).print(io, formatOf(cmd)); printErr != nil {
		fmt.Fprintln(os.Stderr, "pulpimg:", printErr)
	}
	return exitCode(ctx, err)
}
