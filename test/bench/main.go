package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	runs := flag.Int("runs", 7, "how often each tool does each job, `N` times; the median counts")
	check := flag.Bool("check", true, "exit with 1 if a target is missed")
	flag.Parse()
	if flag.NArg() > 0 || *runs < 1 {
		flag.Usage()
		os.Exit(64) // EX_USAGE of sysexits(3)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	met, err := bench(ctx, *runs)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	case *check && !met:
		os.Exit(1)
	}
}

// bench does everything in a temporary folder, and says whether all targets were met.
func bench(ctx context.Context, runs int) (met bool, err error) {
	lab, err := findLab()
	if err != nil {
		return false, err
	}
	dir, err := os.MkdirTemp("", "pulpimg-bench-")
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	builds, err := measureBuilds(ctx, dir, lab, runs)
	if err != nil {
		return false, err
	}
	start, err := measureStart(ctx, dir, runs)
	if err != nil {
		return false, err
	}
	return report(os.Stdout, runs, builds, start), nil
}
