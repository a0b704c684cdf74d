// Package signals ends a context when the program gets a signal to end, and keeps the signal: the exit code depends on it.
//
// It does not end the program; whoever waits for the work does.
package signals

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// An Error is the cause of a context that a signal ended.
type Error struct{ Signal syscall.Signal }

func (e Error) Error() string {
	switch e.Signal {
	case syscall.SIGHUP:
		return "ended by SIGHUP"
	case syscall.SIGINT:
		return "ended by SIGINT"
	case syscall.SIGQUIT:
		return "ended by SIGQUIT"
	}
	return "ended by SIGTERM"
}

// ExitCode returns the code with which a program ends that ends because of the signal, as shells have it.
// https://www.gnu.org/software/bash/manual/html_node/Exit-Status.html
func (e Error) ExitCode() int { return 128 + int(e.Signal) }

// Context returns a context that ends with the first SIGINT or SIGTERM, or with another one that is given; its cause is an Error. The
// signal after that one ends the process. The function frees what the context holds.
func Context(parent context.Context, more ...os.Signal) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, append([]os.Signal{syscall.SIGINT, syscall.SIGTERM}, more...)...)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case s := <-signals:
			signal.Stop(signals)
			cancel(Error{s.(syscall.Signal)})
		case <-done:
		}
	}()
	return ctx, sync.OnceFunc(func() {
		signal.Stop(signals)
		close(done)
		<-ended
		cancel(nil)
	})
}
