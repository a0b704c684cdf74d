package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// A job is what both tools do again and again: a family is built and pushed after something was changed.
type job struct {
	title  string
	family family
	change func(family) error // before each build; not timed
	target float64
}

// measureBuilds measures all jobs that compare warm builds. Bake's engine runs all the time.
func measureBuilds(ctx context.Context, b bench, found *findings) error {
	return b.withBake(ctx, func(program, address string) error {
		ours := pulpimg(b.dir, labSite(b.lab), "bench/pulpimg")
		theirs, err := bake(ctx, b.dir, program, address, labSite(b.lab), "bench/bake")
		if err != nil {
			return err
		}
		jobs, err := plan(b.dir)
		if err != nil {
			return err
		}
		prepared := map[string]bool{}
		for _, j := range jobs {
			if !prepared[j.family.bake] {
				fmt.Fprintf(os.Stderr, "bench: building %d images with each tool and comparing them\n", len(j.family.images()))
				if err := prepare(ctx, j.family, ours, theirs); err != nil {
					return err
				}
				prepared[j.family.bake] = true
			}
			fmt.Fprintf(os.Stderr, "bench: %s\n", j.title)
			c, err := j.measure(ctx, b.runs, ours, theirs)
			if err != nil {
				return fmt.Errorf("%s: %w", j.title, err)
			}
			found.builds = append(found.builds, c)
		}
		return nil
	})
}

// withBake calls a function with the program buildx and the address of a running engine for it.
func (b bench) withBake(ctx context.Context, do func(program, address string) error) (err error) {
	program, err := buildBuildx(ctx)
	if err != nil {
		return err
	}
	e, err := startEngine(ctx, b.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	return do(program, e.Address())
}

// plan lists the jobs with the targets that they have.
func plan(dir string) ([]job, error) {
	four := pulp(dir)
	helped := four
	helped.assets = filepath.Join(dir, "assets")
	scripted, err := editable(dir)
	if err != nil {
		return nil, err
	}
	many, err := manyRoles(dir, 100)
	if err != nil {
		return nil, err
	}
	return []job{
		{"4 images, nothing changed", four, changeNothing, 0.2},
		{"4 images, a role's script edited", scripted, editScript, 0.15},
		{"4 images, the helper of all edited", helped, editHelper, 0.6},
		{"101 images, nothing changed", many, changeNothing, 0.05},
	}, nil
}

func changeNothing(family) error { return nil }

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
	published, err := sameImages(ctx, f, ours, theirs)
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
	return nil
}

// sameImages checks that both tools have published the same images, and returns them.
func sameImages(ctx context.Context, f family, ours, theirs tool) (map[string]image, error) {
	published, err := pull(ctx, ours.registry, f.images())
	if err != nil {
		return nil, err
	}
	baked, err := pull(ctx, theirs.registry, f.images())
	if err != nil {
		return nil, err
	}
	return published, compare(published, baked)
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
