package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/pulpimg/pulpimg/test/inlab"
)

func main() {
	runs := flag.Int("runs", 7, "how often each tool does each job, `N` times; the median counts")
	only := flag.String("only", "", "measure only this `PART`: builds, large, copies, rootless or start")
	check := flag.Bool("check", true, "exit with 1 if a target is missed")
	flag.Parse()
	if flag.NArg() > 0 || *runs < 1 || !slices.Contains([]string{"", "builds", "large", "copies", "rootless", "start"}, *only) {
		flag.Usage()
		os.Exit(64) // EX_USAGE of sysexits(3)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	met, err := bench(ctx, *runs, *only)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	case *check && !met:
		os.Exit(1)
	}
}

// bench does everything in a temporary folder, and reports whether all targets were met.
func bench(ctx context.Context, runs int, only string) (met bool, err error) {
	lab, err := inlab.Find()
	if err != nil {
		return false, err
	}
	dir, err := os.MkdirTemp("", "pulpimg-bench-")
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	var builds []comparison
	var start times
	wanted := func(part string) bool { return only == "" || only == part }
	if wanted("builds") {
		if builds, err = measureBuilds(ctx, dir, lab, runs); err != nil {
			return false, err
		}
	}
	if wanted("start") {
		if start, err = measureStart(ctx, dir, runs); err != nil {
			return false, err
		}
	}
	if wanted("large") {
		large, err := measureLarge(ctx, dir, lab)
		if err != nil {
			return false, err
		}
		builds = append(builds, large...)
	}
	if wanted("copies") {
		copies, err := measureCopies(ctx, dir, lab)
		if err != nil {
			return false, err
		}
		builds = append(builds, copies...)
	}
	met = report(os.Stdout, builds, start)
	if wanted("rootless") {
		cold, err := measureRootless(ctx, dir, lab)
		if err != nil {
			return false, err
		}
		met = reportRootless(os.Stdout, cold) && met
	}
	return met, nil
}
