// Command pulpimg turns one YAML file into a family of container images.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/sirupsen/logrus"
)

func main() { os.Exit(run(os.Args[1:])) }

// run runs the program and returns its exit code. The first SIGINT or SIGTERM ends the work in an orderly way, the second at once.
func run(args []string) int {
	// What the libraries log is not meant for the users of this program; what matters to them comes as an error.
	logrus.SetOutput(io.Discard)
	ctx, stop := withSignals(context.Background())
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

// withSignals returns a context that ends with the first signal; its cause is a signalError.
func withSignals(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case s := <-signals:
			signal.Stop(signals) // the next one ends the process
			cancel(signalError{s.(syscall.Signal)})
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}

// A signalError says which signal ended the work.
type signalError struct{ signal syscall.Signal }

func (e signalError) Error() string { return "ended by " + e.signal.String() }
