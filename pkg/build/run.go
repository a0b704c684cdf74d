package build

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"

	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/message"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// An outcome is what the engine made.
type outcome struct {
	response *client.SolveResponse
	planned  plan
	steps    []Step
	foretold *Plan // what was to be done; nil if there was no forecast
}

// onEngine has the engine build a family. After an interrupted build, an engine that still runs may hold a part of a blob that it cannot
// continue, and every build would fail for it. Then the engine is made to forget the part, and the build is repeated.
func (b builder) onEngine(ctx context.Context, c *client.Client, seen *forecast.Forecast) (outcome, error) {
	return retry(ctx, func(last bool) (outcome, error) {
		b.Progress.repeats = !last
		return b.attempt(ctx, c, seen)
	}, func() error { return forgetParts(ctx, c) })
}

// retry makes a second and last attempt when the first one failed because the engine cannot continue a blob.
func retry(ctx context.Context, attempt func(last bool) (outcome, error), forget func() error) (outcome, error) {
	d, err := attempt(false)
	if err == nil || ctx.Err() != nil || !message.CannotContinue(err) {
		return d, err
	}
	if err := forget(); err != nil {
		return outcome{}, fmt.Errorf("making the engine forget what an interrupted build left: %w", err)
	}
	return attempt(true)
}

// forgetParts makes an engine remove the parts of blobs that no build works on. There is no call for that, but an engine does it after each
// prune, even if the prune removes nothing.
// https://github.com/moby/buildkit/blob/v0.34.2/cache/manager.go
func forgetParts(ctx context.Context, c *client.Client) error {
	removed := make(chan client.UsageInfo)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range removed { // there are none
		}
	}()
	err := c.Prune(ctx, removed, client.WithFilter([]string{"id==none"}))
	close(removed)
	<-ended
	return err
}

// attempt has the engine build a family.
func (b builder) attempt(ctx context.Context, c *client.Client, seen *forecast.Forecast) (outcome, error) {
	solve, err := solveOptions(b.family, b.into, b.settings)
	if err != nil {
		return outcome{}, err
	}
	watch, err := startWatching(b.Progress, commands(b.families), b.family.Redact)
	if err != nil {
		return outcome{}, err
	}
	run := run{family: b.family, opts: b.settings, watch: watch, taker: newTaker(c, solve), forecast: seen}
	indexed := b.indexBases(ctx, seen, watch.running)
	response, err := c.Build(ctx, solve, product, run.build, watch.updates)
	history, watchErr := watch.wait()
	indexed(err == nil)
	if err != nil {
		return outcome{steps: history.steps}, run.failure(ctx, err, history)
	}
	if watchErr != nil {
		return outcome{}, fmt.Errorf("showing the build's progress: %w", watchErr)
	}
	return outcome{response: response, planned: run.planned, steps: history.steps}, nil
}

// A run is one build.
type run struct {
	family *family.Family
	opts   settings
	watch  *watcher
	taker  taker
	// forecast is nil if there is none.
	forecast *forecast.Forecast

	planned plan
	err     error // with its types, which the copy that comes back through the engine has lost
	seen    error // the failure that the debugger was shown, and the error of the debugger
}

// build is the build function that drives the engine.
func (r *run) build(ctx context.Context, engine gateway.Client) (*gateway.Result, error) {
	p, err := r.planner(engine)
	if err != nil {
		return nil, err
	}
	result, err := r.solve(ctx, p)
	if r.err = err; err != nil && r.opts.Debug != nil {
		r.seen = r.debug(ctx, engine)
	}
	return result, err
}

// planWithoutEngine plans images for which no engine is needed.
func (r *run) planWithoutEngine(ctx context.Context) (plan, error) {
	p, err := r.planner(nil)
	if err != nil {
		return plan{}, err
	}
	return p.plan(ctx)
}

func (r *run) planner(engine gateway.Client) (planner, error) {
	trees, err := newTreeCache(r.opts.layers.Blobs().Root(), r.opts.SourcePolicy, r.opts.NoCache)
	if err != nil {
		return planner{}, err
	}
	taken, err := newTakenCache(r.opts.layers.Blobs().Root(), r.opts.SourcePolicy, r.opts.NoCache)
	return planner{
		family: r.family, opts: r.opts, forecast: r.forecast, engine: engine, trees: trees, taken: taken, taker: r.taker, announce: r.watch.announce,
	}, err
}

func (r *run) solve(ctx context.Context, p planner) (_ *gateway.Result, err error) {
	if r.planned, err = p.plan(ctx); err != nil {
		return nil, err
	}
	return r.planned.solve(ctx, p.engine, r.opts.Debug != nil)
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

// failure returns the error of a failed build.
func (r *run) failure(ctx context.Context, err error, h history) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case r.seen != nil:
		return r.seen
	}
	return failure(cmp.Or(r.err, err), r.family, h)
}
