package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pulpimg/pulpimg/test/inlab"
)

// A job is what both tools do again and again: a family is built and pushed after something was changed.
type job struct {
	title  string
	family family
	change func(family) error // before each build; not timed
	target float64
}

// measureBuilds measures all jobs that compare the tools, on one engine.
func measureBuilds(ctx context.Context, dir string, l inlab.Lab, runs int) (all []comparison, err error) {
	program, err := buildBuildx(ctx)
	if err != nil {
		return nil, err
	}
	e, err := startEngine(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()

	ours := pulpimg(dir, e.Address(), l)
	theirs, err := bake(ctx, dir, program, e.Address(), l)
	if err != nil {
		return nil, err
	}
	jobs, err := plan(dir)
	if err != nil {
		return nil, err
	}
	prepared := map[string]bool{}
	for _, j := range jobs {
		if !prepared[j.family.bake] {
			fmt.Fprintf(os.Stderr, "bench: building %d images with each tool and comparing them\n", len(j.family.images()))
			if err := prepare(ctx, j.family, ours, theirs); err != nil {
				return nil, err
			}
			prepared[j.family.bake] = true
		}
		fmt.Fprintf(os.Stderr, "bench: %s\n", j.title)
		c, err := j.measure(ctx, runs, ours, theirs)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", j.title, err)
		}
		all = append(all, c)
	}
	return all, nil
}

// plan lists the jobs with the targets that they have.
func plan(dir string) ([]job, error) {
	four := pulp(dir)
	edited := four
	edited.assets = filepath.Join(dir, "assets")
	many, err := manyRoles(dir, 100)
	if err != nil {
		return nil, err
	}
	nothing := func(family) error { return nil }
	return []job{
		{"4 images, nothing changed", four, nothing, 0.5},
		{"4 images, one helper edited", edited, editHelper, 0.6},
		{"101 images, nothing changed", many, nothing, 0.2},
	}, nil
}

// prepare builds a family with both tools, so that all there is to cache is cached, and checks that the images are the same.
func prepare(ctx context.Context, f family, ours, theirs tool) error {
	if _, err := ours.build(ctx, f); err != nil {
		return err
	}
	published, err := pull(ctx, ours.registry, f.images())
	if err != nil {
		return err
	}
	if err := writeContexts(f, published); err != nil {
		return err
	}
	if _, err := theirs.build(ctx, f); err != nil {
		return err
	}
	return checkSame(ctx, f, ours, theirs)
}

// checkSame checks that both tools have published the same images, with the helper as it now is.
func checkSame(ctx context.Context, f family, ours, theirs tool) error {
	published, err := pull(ctx, ours.registry, f.images())
	if err != nil {
		return err
	}
	baked, err := pull(ctx, theirs.registry, f.images())
	if err != nil {
		return err
	}
	want, err := os.ReadFile(filepath.Join(f.bake, f.base, "rootfs", helper))
	if err != nil {
		return err
	}
	if got, err := published[f.base].file(helper); err != nil || !bytes.Equal(got, want) {
		return errors.Join(fmt.Errorf("%s was published with another helper", f.base), err)
	}
	return compare(published, baked)
}

// measure lets the tools take turns. Who begins changes, because the second finds the registry's and the machine's caches warm. Both
// have done the job once before it counts.
func (j job) measure(ctx context.Context, runs int, ours, theirs tool) (comparison, error) {
	c := comparison{job: j.title, target: j.target}
	for run := range runs + 1 {
		if err := j.change(j.family); err != nil {
			return c, err
		}
		type turn struct {
			tool tool
			all  *times
		}
		turns := []turn{{ours, &c.pulpimg}, {theirs, &c.bake}}
		if run%2 == 1 {
			turns[0], turns[1] = turns[1], turns[0]
		}
		for _, t := range turns {
			took, err := t.tool.build(ctx, j.family)
			if err != nil {
				return c, err
			}
			if run > 0 {
				*t.all = append(*t.all, took)
			}
		}
	}
	return c, checkSame(ctx, j.family, ours, theirs)
}
