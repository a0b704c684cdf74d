package debian

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestOnlyThePackagesOfMissingProgramsAreInstalled(t *testing.T) {
	got := missingPackages([]Tool{
		{"sh", "dash"}, {"no-such-program", "z"}, {"no-such-program-either", "a"}, {"no-such-third-program", "a"},
	})
	if want := []string{"a", "z"}; !slices.Equal(got, want) {
		t.Errorf("missing %q, want %q", got, want)
	}
}

func TestAFailedCommandsErrorHasItsLastWords(t *testing.T) {
	err := Command{Args: []string{"sh", "-c", "seq 1 30; echo no such mirror >&2; exit 3"}}.Run(t.Context())
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"sh: exit status 3", "\n30\n", "no such mirror"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "\n5\n") {
		t.Errorf("all of the output is in: %v", err)
	}
}

func TestACancelledCommandIsAskedToStop(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	started := make(chan struct{})
	stdin := readerFunc(func(p []byte) (int, error) {
		select {
		case <-started:
		default:
			close(started)
		}
		return copy(p, "x"), nil
	})
	reason := errors.New("the user has had enough")
	go func() { <-started; cancel(reason) }()
	err := Command{Args: []string{"sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.01; done"}, Stdin: stdin}.Run(ctx)
	if !errors.Is(err, reason) {
		t.Errorf("error %v, want %v", err, reason)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
