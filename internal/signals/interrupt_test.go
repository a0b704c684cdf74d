//go:build unix

package signals_test

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/pulpimg/pulpimg/internal/signals"
)

// The cause of the context names the signal that ended it.
func TestContext_causeIsTheSignal(t *testing.T) {
	for _, test := range []struct {
		signal syscall.Signal
		says   string
		code   int
	}{
		{syscall.SIGINT, "ended by SIGINT", 130},
		{syscall.SIGTERM, "ended by SIGTERM", 143},
	} {
		ctx, stop := signals.Context(t.Context())
		if err := syscall.Kill(os.Getpid(), test.signal); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		var cause signals.Error
		if !errors.As(context.Cause(ctx), &cause) || cause.Error() != test.says || cause.ExitCode() != test.code {
			t.Errorf("after %v, the cause is %v with the exit code %d; want %s with %d", test.signal, cause, cause.ExitCode(), test.says, test.code)
		}
		stop()
	}
}

func TestContext_noSignal(t *testing.T) {
	ctx, stop := signals.Context(t.Context())
	if ctx.Err() != nil {
		t.Errorf("the context begins with %v", ctx.Err())
	}
	stop()
	if cause := context.Cause(ctx); cause != context.Canceled {
		t.Errorf("the cause is %v", cause)
	}
}
