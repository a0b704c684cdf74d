package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/pulpimg/pulpimg/test/inlab"
)

func main() {
	names := partNames()
	runs := flag.Int("runs", 7, "how often each tool does each job, `N` times; the median counts")
	only := flag.String("only", "", "measure only this `PART`: "+strings.Join(names, ", "))
	check := flag.Bool("check", true, "exit with 1 if a target is missed")
	flag.Parse()
	if flag.NArg() > 0 || *runs < 1 || *only != "" && !slices.Contains(names, *only) {
		flag.Usage()
		os.Exit(64) // EX_USAGE of sysexits(3)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	met, err := measureAll(ctx, *runs, *only)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	case *check && !met:
		os.Exit(1)
	}
}

// A bench is where things are measured, and how often.
type bench struct {
	dir  string
	lab  inlab.Lab
	runs int
}

// newPlace returns repositories in which no run before has published: the lab's registry keeps what it has.
func (b bench) newPlace() string { return "bench/" + strings.ToLower(filepath.Base(b.dir)) }

// A part of the bench can be measured alone.
type part struct {
	name    string
	measure func(context.Context, bench, *findings) error
}

// parts are all parts, in the order in which they are measured: the engine is asked for after the builds on it.
func parts() []part {
	return []part{
		{"builds", measureBuilds},
		{"latency", measureLatency},
		{"cold", measureCold},
		{"machines", measureMachines},
		{"base", measureBase},
		{"requests", measureRequests},
		{"start", measureStart},
		{"large", measureLarge},
		{"copies", measureCopies},
		{"rootless", measureRootless},
	}
}

func partNames() []string {
	var names []string
	for _, p := range parts() {
		names = append(names, p.name)
	}
	return names
}

// measureAll does everything in a temporary folder, and reports whether all targets were met.
func measureAll(ctx context.Context, runs int, only string) (met bool, err error) {
	lab, err := inlab.Find()
	if err != nil {
		return false, err
	}
	dir, err := os.MkdirTemp("", "pulpimg-bench-")
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := bench{dir: dir, lab: lab, runs: runs}
	var found findings
	for _, p := range parts() {
		if only != "" && only != p.name {
			continue
		}
		if err := p.measure(ctx, b, &found); err != nil {
			return false, err
		}
	}
	return report(os.Stdout, found), nil
}
