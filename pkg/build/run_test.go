package build

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"github.com/pulpimg/pulpimg/pkg/family"
)

func TestRetry_onlyForInterruptedCopy(t *testing.T) {
	cannot, other := errors.New("failed to copy: unsupported offset"), errors.New("exit code: 1")
	for _, test := range []struct {
		name      string
		results   []error // of the attempts
		cancelled bool
		forgets   int
		want      error
	}{
		{name: "a success", results: []error{nil}},
		{name: "another failure", results: []error{other}, want: other},
		{name: "an interrupted build left something", results: []error{cannot, nil}, forgets: 1},
		{name: "it fails again", results: []error{cannot, cannot}, forgets: 1, want: cannot},
		{name: "the user has had enough", results: []error{cannot}, cancelled: true, want: cannot},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if test.cancelled {
				cancel()
			}
			attempts, forgets := 0, 0
			_, err := retry(ctx, func(last bool) (outcome, error) {
				attempts++
				if last != (attempts == 2) {
					t.Errorf("attempt %d is the last one: %t", attempts, last)
				}
				return outcome{}, test.results[attempts-1]
			}, func() error {
				forgets++
				return nil
			})
			if !errors.Is(err, test.want) || attempts != len(test.results) || forgets != test.forgets {
				t.Errorf("%d attempts, forgot %d times, got %v; want %d, %d and %v", attempts, forgets, err, len(test.results), test.forgets, test.want)
			}
		})
	}
	want := errors.New("no answer")
	if _, err := retry(t.Context(), func(bool) (outcome, error) { return outcome{}, cannot }, func() error { return want }); !errors.Is(err, want) {
		t.Errorf("got %v, want that the engine does not forget", err)
	}
}

// newRun returns a run of a family with a fake engine, and a function that ends its display.
func newRun(t *testing.T, engine *fakeEngine) (*run, func() history) {
	t.Helper()
	p := newPlanner(t, specHeader+"  tool: { from: \"debian:12\", steps: [run: tool] }\n", engine, amd64)
	watch, err := startWatching(Progress{Out: &bytes.Buffer{}, Mode: "quiet"}, commands([]*family.Family{p.family}), p.family.Redact)
	if err != nil {
		t.Fatal(err)
	}
	return &run{family: p.family, opts: p.opts, watch: watch}, func() history {
		close(watch.updates)
		h, err := watch.wait()
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
}

func TestRun_build(t *testing.T) {
	engine := newFakeEngine(t)
	r, end := newRun(t, engine)
	defer end()
	result, err := r.build(t.Context(), engine)
	if err != nil || r.err != nil || len(result.Refs) != 1 || len(r.planned.images) != 1 {
		t.Errorf("got %d references of %d images, and the errors %v and %v", len(result.Refs), len(r.planned.images), err, r.err)
	}
	if engine.evaluated != 0 {
		t.Errorf("%d references were evaluated without a debugger", engine.evaluated)
	}
}

// The error that comes back through the engine has lost its type.
func TestRun_failure(t *testing.T) {
	engine := newFakeEngine(t)
	engine.fails["docker-image://"+debian] = errors.New("not found")
	r, end := newRun(t, engine)
	_, err := r.build(t.Context(), engine)
	h := end()
	const want = "f.yaml:6:17: looking up " + debian + ", which tool is based on: not found"
	if got := r.failure(t.Context(), errors.New(err.Error()), h); got.Error() != want {
		t.Errorf("error %s\nwant  %s", got, want)
	}
	interrupted := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(interrupted)
	if got := r.failure(ctx, err, h); !errors.Is(got, interrupted) {
		t.Errorf("got %v, want the cause of the context's end", got)
	}
}

func TestRun_debug(t *testing.T) {
	const step = "[tool 1/1] run tool"
	engine := newFakeEngine(t)
	exec := &pb.ExecOp{Meta: &pb.Meta{Cwd: "/srv"}, Mounts: []*pb.Mount{{Dest: "/"}}}
	engine.evaluate = &errdefs.SolveError{Err: errors.New("exit code: 1"), Solve: &errdefs.Solve{
		MountIDs: []string{"root"}, Op: &pb.Op{Op: &pb.Op_Exec{Exec: exec}}, Description: map[string]string{customName: step},
	}}
	r, end := newRun(t, engine)
	ofDebugger := errors.New("the terminal is gone")
	var shown *FailedCommand
	r.opts.Debug = func(_ context.Context, failed *FailedCommand) error {
		shown = failed
		return ofDebugger
	}
	r.watch.updates <- status(step, "", "exit code: 1")
	_, err := r.build(t.Context(), engine)
	h := end()
	if shown == nil || shown.Step != step || shown.Dir != "/srv" || shown.User != "root" || shown.Err.Image != "tool" {
		t.Fatalf("the debugger was shown %+v", shown)
	}
	if got := r.failure(t.Context(), err, h); !errors.Is(got, shown.Err) || !errors.Is(got, ofDebugger) {
		t.Errorf("got %v, want the failure and the error of the debugger", got)
	}
}

func TestRun_debugsOnlyCommands(t *testing.T) {
	engine := newFakeEngine(t)
	engine.evaluate = errGone
	r, end := newRun(t, engine)
	defer end()
	r.opts.Debug = func(context.Context, *FailedCommand) error {
		t.Error("the debugger was called for a failure that is none of a command")
		return nil
	}
	if _, err := r.build(t.Context(), engine); !errors.Is(err, errGone) || r.seen != nil {
		t.Errorf("got %v, and %v was shown", err, r.seen)
	}
}
