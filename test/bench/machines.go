package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const (
	// machineRuns is how often each tool does each job on an empty machine.
	machineRuns = 5
	// sameTarget and editedTarget are how much of bake's time pulpimg may take there: when nothing changed, and after a script was edited.
	sameTarget   = 0.05
	editedTarget = 0.1
)

// measureMachines measures builds on machines that have never built, of a family that another machine has published: pulpimg finds records in
// the registry, and bake a cache there.
func measureMachines(ctx context.Context, b bench, found *findings) (err error) {
	program, err := buildBuildx(ctx)
	if err != nil {
		return err
	}
	for _, far := range []time.Duration{0, latency} {
		if err := b.measureMachinesAt(ctx, program, far, found); err != nil {
			return err
		}
	}
	return nil
}

// measureMachinesAt does so with a registry that is so far away.
func (b bench) measureMachinesAt(ctx context.Context, program string, far time.Duration, found *findings) (err error) {
	dir, err := os.MkdirTemp(b.dir, "machines-")
	if err != nil {
		return err
	}
	w := newWire()
	defer func() { err = errors.Join(err, w.Close()) }()
	s, err := through(w, dir, b.lab)
	if err != nil {
		return err
	}
	f, err := editable(dir)
	if err != nil {
		return err
	}
	m := machinesBench{
		coldBench: coldBench{bench: b, wire: w, site: s, buildx: program, family: f}, dir: dir, place: b.newPlace() + "/" + filepath.Base(dir),
	}
	if err := m.publish(ctx); err != nil {
		return err
	}
	w.setDelay(far)
	away := ""
	if far > 0 {
		away = fmt.Sprintf(", %s for each request", milliseconds(far))
	}
	for _, j := range []job{
		{"4 images, an empty machine, nothing changed" + away, f, changeNothing, sameTarget},
		{"4 images, an empty machine, a role's script edited" + away, f, editScript, editedTarget},
	} {
		fmt.Fprintf(os.Stderr, "bench: %s\n", j.title)
		c, err := m.measure(ctx, j)
		if err != nil {
			return fmt.Errorf("%s: %w", j.title, err)
		}
		found.builds = append(found.builds, c)
	}
	return nil
}

// A machinesBench builds a family on one empty machine after the other.
type machinesBench struct {
	coldBench
	dir   string
	place string
}

func (m machinesBench) ours(dir string) tool { return pulpimg(dir, m.site, m.place+"/pulpimg") }

// theirs is bake with a cache in the registry. Only the machine that publishes first writes it, because writing takes longer than reading.
func (m machinesBench) theirs(ctx context.Context, dir, address string, writes bool) (tool, error) {
	t, err := bake(ctx, dir, m.buildx, address, m.site, m.place+"/bake")
	if err != nil {
		return tool{}, err
	}
	inner := t.command
	t.command = func(ctx context.Context, f family) *exec.Cmd {
		cmd := inner(ctx, f)
		for _, image := range f.images() {
			ref := "type=registry,ref=" + t.registry + "/" + image + ":cache"
			cmd.Args = append(cmd.Args, "--set", image+".cache-from="+ref)
			if writes {
				cmd.Args = append(cmd.Args, "--set", image+".cache-to="+ref+",mode=max")
			}
		}
		return cmd
	}
	return t, nil
}

// publish has both tools publish the family from a machine of their own, which lends bake's contexts.
func (m machinesBench) publish(ctx context.Context) (err error) {
	dir := filepath.Join(m.dir, "first")
	e, err := startEngine(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	theirs, err := m.theirs(ctx, dir, e.Address(), true)
	if err != nil {
		return err
	}
	return prepare(ctx, m.family, m.ours(dir), theirs)
}

// measure lets the tools take turns.
func (m machinesBench) measure(ctx context.Context, j job) (comparison, error) {
	c := comparison{job: j.title, target: j.target}
	for run := range machineRuns {
		if err := j.change(j.family); err != nil {
			return c, err
		}
		if err := m.run(ctx, run, &c); err != nil {
			return c, err
		}
	}
	return c, checkSame(ctx, j.family, m.ours(m.dir), tool{registry: m.site.registry + "/" + m.place + "/bake"})
}

// run lets both tools build once, in new directories. Bake's engine has to start there, as pulpimg's would if it needed one.
func (m machinesBench) run(ctx context.Context, run int, c *comparison) (err error) {
	dir, err := os.MkdirTemp(m.dir, "machine-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	turns := []func() error{
		func() error {
			m.wire.take()
			took, err := m.ours(filepath.Join(dir, "pulpimg")).build(ctx, m.family)
			c.pulpimg = append(c.pulpimg, took)
			if seen := m.wire.take(); run == machineRuns-1 {
				fmt.Fprintf(os.Stderr, "bench:   pulpimg: one after another: %s\n", seen)
			}
			return err
		},
		func() error {
			dir := filepath.Join(dir, "bake")
			took, err := m.withNewEngine(ctx, dir, func(address string) (tool, error) { return m.theirs(ctx, dir, address, false) })
			c.bake = append(c.bake, took)
			return err
		},
	}
	if run%2 == 1 {
		turns[0], turns[1] = turns[1], turns[0]
	}
	for _, turn := range turns {
		if err := turn(); err != nil {
			return err
		}
	}
	return nil
}
