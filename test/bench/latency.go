package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	// latencyTarget is how much of bake's time pulpimg may take.
	latencyTarget = 0.4
	// latency is how much later each request arrives.
	latency = 30 * time.Millisecond
	// maxDepth is how many requests one after another pulpimg may make when nothing changed: two for the base, and two for the tags.
	maxDepth = 4
)

// measureLatency measures builds after which nothing changed, with servers that are far away.
func measureLatency(ctx context.Context, b bench, found *findings) (err error) {
	w := newWire()
	defer func() { err = errors.Join(err, w.Close()) }()
	s, err := through(w, filepath.Join(b.dir, "latency"), b.lab)
	if err != nil {
		return err
	}
	return b.withBake(ctx, func(program, address string) error {
		ours, theirs, err := b.latencyTools(ctx, program, address, s)
		if err != nil {
			return err
		}
		four := pulp(filepath.Join(b.dir, "latency"))
		title := fmt.Sprintf("4 images, nothing changed, %s for each request", milliseconds(latency))
		fmt.Fprintf(os.Stderr, "bench: %s\n", title)
		if err := prepare(ctx, four, ours, theirs); err != nil {
			return err
		}
		deepest := map[string]traffic{}
		watched := func(t tool) tool {
			t.after = func() {
				if seen := w.take(); seen.depth() >= deepest[t.name].depth() {
					deepest[t.name] = seen
				}
			}
			return t
		}
		w.setDelay(latency)
		w.take()
		c, err := job{title, four, changeNothing, latencyTarget}.measure(ctx, b.runs, watched(ours), watched(theirs))
		if err != nil {
			return err
		}
		for _, t := range []tool{ours, theirs} {
			fmt.Fprintf(os.Stderr, "bench:   %s: one after another: %s\n", t.name, deepest[t.name])
		}
		found.builds = append(found.builds, c)
		depth := amount{what: "requests one after another, nothing changed", pulpimg: float64(deepest[ours.name].depth()), most: maxDepth}
		found.amounts = append(found.amounts, depth.against(float64(deepest[theirs.name].depth())))
		return nil
	})
}

func (b bench) latencyTools(ctx context.Context, program, address string, s site) (ours, theirs tool, err error) {
	ours = pulpimg(b.dir, s, "bench/far-pulpimg")
	theirs, err = bake(ctx, filepath.Join(b.dir, "latency"), program, address, s, "bench/far-bake")
	return ours, theirs, err
}
