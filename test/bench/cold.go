package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// equalBytes is how much more pulpimg may send than bake, so that their times can be compared.
const equalBytes = 1.1

// measureCold measures builds of the Pulp family by tools that have nothing: no cache, no running engine, and nothing where they push to.
func measureCold(ctx context.Context, b bench, found *findings) (err error) {
	w := newWire()
	defer func() { err = errors.Join(err, w.Close()) }()
	s, err := through(w, filepath.Join(b.dir, "cold"), b.lab)
	if err != nil {
		return err
	}
	program, err := buildBuildx(ctx)
	if err != nil {
		return err
	}
	const title = "4 images, empty caches, engines not running"
	fmt.Fprintf(os.Stderr, "bench: %s\n", title)
	c := coldBench{bench: b, wire: w, site: s, buildx: program, family: pulp(filepath.Join(b.dir, "cold"))}
	c.times = comparison{job: title, target: 1}
	if err := c.writeContexts(ctx); err != nil {
		return err
	}
	for run := range coldRuns {
		if err := c.run(ctx, run); err != nil {
			return fmt.Errorf("%s: %w", title, err)
		}
	}
	found.builds = append(found.builds, c.times)
	bytes := amount{what: "bytes sent, empty caches", pulpimg: float64(c.ours.sent()), most: float64(c.theirs.sent()) * equalBytes}
	found.amounts = append(found.amounts, bytes.against(float64(c.theirs.sent())))
	return nil
}

// A coldBench builds a family with new engines.
type coldBench struct {
	bench
	wire         *wire
	site         site
	buildx       string
	family       family
	times        comparison
	ours, theirs traffic // of the last run
}

// writeContexts has pulpimg build the family once, for what bake needs of it.
func (c *coldBench) writeContexts(ctx context.Context) error {
	ours := pulpimg(c.dir, labSite(c.lab), "bench/pulpimg")
	if _, err := ours.build(ctx, c.family); err != nil {
		return err
	}
	published, err := pull(ctx, ours.registry, c.family.images())
	if err != nil {
		return err
	}
	return writeContexts(c.family, published)
}

// run lets both tools build once, in new directories and to new repositories, and compares the images. Who begins depends on the number of
// the run.
func (c *coldBench) run(ctx context.Context, run int) (err error) {
	dir, err := os.MkdirTemp(c.dir, "cold-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	place := "bench/" + filepath.Base(dir)
	ours := pulpimg(filepath.Join(dir, "pulpimg"), c.site, place+"/pulpimg")
	turns := []func() error{
		func() error {
			took, err := ours.build(ctx, c.family)
			c.times.pulpimg, c.ours = append(c.times.pulpimg, took), c.wire.take()
			return err
		},
		func() error {
			took, err := c.bake(ctx, filepath.Join(dir, "bake"), place+"/bake")
			c.times.bake, c.theirs = append(c.times.bake, took), c.wire.take()
			return err
		},
	}
	if run%2 == 1 {
		turns[0], turns[1] = turns[1], turns[0]
	}
	c.wire.take()
	for _, turn := range turns {
		if err := turn(); err != nil {
			return err
		}
	}
	theirs := tool{registry: c.site.registry + "/" + place + "/bake"}
	return checkSame(ctx, c.family, ours, theirs)
}

// bake returns how long bake takes with an engine that is started for it.
func (c *coldBench) bake(ctx context.Context, dir, place string) (took time.Duration, err error) {
	return c.withNewEngine(ctx, dir, func(address string) (tool, error) { return bake(ctx, dir, c.buildx, address, c.site, place) })
}

// withNewEngine returns how long a tool takes with an engine that is started for it. As with pulpimg, the engine's start and end are part of that.
func (c *coldBench) withNewEngine(ctx context.Context, dir string, with func(address string) (tool, error)) (took time.Duration, err error) {
	begin := time.Now()
	e, err := startEngine(ctx, dir)
	if err != nil {
		return 0, err
	}
	started := time.Since(begin)
	theirs, err := with(e.Address())
	if err != nil {
		return 0, errors.Join(err, e.Close())
	}
	built, err := theirs.build(ctx, c.family)
	if err != nil {
		return 0, errors.Join(err, e.Close())
	}
	begin = time.Now()
	err = e.Close()
	return started + built + time.Since(begin), err
}
