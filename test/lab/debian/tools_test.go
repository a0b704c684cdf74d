package debian

import (
	"context"
	"errors"
	"os"
	"path/filepath"
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

func TestPackagesMayNotStartDaemonsUnlessTheHostHasAPolicy(t *testing.T) {
	helper := filepath.Join(t.TempDir(), "policy-rc.d")
	during := func() string {
		t.Helper()
		var text []byte
		if err := withoutDaemons(helper, func() (err error) { text, err = os.ReadFile(helper); return err }); err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got := during(); !strings.HasSuffix(got, "exit 101\n") {
		t.Errorf("the policy is %q", got)
	}
	if _, err := os.Stat(helper); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the policy is still there: %v", err)
	}
	const own = "#!/bin/sh\nexit 0\n"
	if err := os.WriteFile(helper, []byte(own), 0o755); err != nil {
		t.Fatal(err)
	}
	during()
	if text, err := os.ReadFile(helper); err != nil || string(text) != own {
		t.Errorf("the host's own policy is now %q (%v)", text, err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
