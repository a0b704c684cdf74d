package build

import (
	"cmp"
	"context"
	"errors"

	gateway "github.com/moby/buildkit/frontend/gateway/client"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// A run is one build, as the engine calls for it.
type run struct {
	family *family.Family
	opts   Options
	watch  *watcher

	planned plan
	err     error // as it was: what comes back through the engine has lost its types
	seen    error // the failure that a debugger was shown, and what went wrong with that
}

// build is the build function that drives the engine.
func (r *run) build(ctx context.Context, engine gateway.Client) (*gateway.Result, error) {
	a := assembler{family: r.family, opts: r.opts, engine: engine, announce: r.watch.announce}
	result, err := r.solve(ctx, a)
	if r.err = err; err != nil && r.opts.Debug != nil {
		r.seen = r.debug(ctx, engine)
	}
	return result, err
}

func (r *run) solve(ctx context.Context, a assembler) (_ *gateway.Result, err error) {
	if r.planned, err = a.plan(ctx); err != nil {
		return nil, err
	}
	return r.planned.solve(ctx, a.engine, r.opts.Debug != nil)
}

// debug lets the debugger look at the command that failed, if it is one, and returns the failure that it was shown.
func (r *run) debug(ctx context.Context, engine gateway.Client) error {
	command := failedCommand(r.err, engine)
	if command == nil || ctx.Err() != nil {
		return nil
	}
	history, err := r.watch.endDisplay(ctx, command.Step)
	if err != nil {
		return err
	}
	command.Err = failure(r.err, r.family, history)
	command.Err.Image = r.watch.commands[command.Step]
	return errors.Join(command.Err, r.opts.Debug(ctx, command))
}

// failure returns what a build ends with that failed.
func (r *run) failure(ctx context.Context, err error, h history) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case r.seen != nil:
		return r.seen
	}
	return failure(cmp.Or(r.err, err), r.family, h)
}
