// Command pulpimg turns one YAML file into a family of container images.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/sirupsen/logrus"

	"github.com/pulpimg/pulpimg/internal/signals"
)

// gcPercent lets the heap grow for longer than Go does by itself (100) before it is collected: this program is over in a moment, and
// collections took one part in twenty of a build that had nothing to do.
const gcPercent = 400

// memoryLimit ends that when the heap is large: from here on, memory matters more than the time that collections take.
const memoryLimit = 80 << 20

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
		if os.Getenv("GOMEMLIMIT") == "" {
			debug.SetMemoryLimit(memoryLimit)
		}
	}
	// The specification has relative paths ignored (https://specifications.freedesktop.org/basedir-spec/latest/). Libraries take them, and
	// an empty one, for the current directory: what lies in a checkout would say how registries are reached.
	if !filepath.IsAbs(os.Getenv("XDG_CONFIG_HOME")) {
		_ = os.Unsetenv("XDG_CONFIG_HOME") // it fails only for names that no variable can have
	}
	os.Exit(run(os.Args[1:]))
}

// run runs the program and returns its exit code. The first SIGINT or SIGTERM ends the work in an orderly way, the second at once.
func run(args []string) int {
	// What the libraries log is not meant for the users of this program; what matters to them comes as an error.
	logrus.SetOutput(io.Discard)
	ctx, stop := signals.Context(context.Background())
	defer stop()
	con := console{out: os.Stdout, err: os.Stderr}
	root := newRoot(con)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	var status exitStatus
	if errors.As(err, &status) {
		return int(status)
	}
	if printErr := problemOf(ctx, err).print(con, formatOf(cmd)); printErr != nil {
		fmt.Fprintln(os.Stderr, "pulpimg:", printErr)
	}
	return exitCode(ctx, err)
}
