package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// readyWithin is how soon the embedded engine has to answer.
const readyWithin = 200 * time.Millisecond

// A comparison is the times that both tools took for one job, and the target: how much of bake's time pulpimg may take.
type comparison struct {
	job           string
	pulpimg, bake times
	target        float64
}

func (c comparison) ratio() float64 {
	return float64(c.pulpimg.median()) / float64(c.bake.median())
}

// report prints what was measured, and says whether all targets are met.
func report(out io.Writer, runs int, builds []comparison, start times) (met bool) {
	met = true
	verdict := func(ok bool) string {
		if ok {
			return "met"
		}
		met = false
		return "MISSED"
	}
	fmt.Fprintf(out, "medians of %d runs (fastest-slowest)\n\n", runs)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "JOB\tPULPIMG\tBUILDX BAKE\tRATIO\tTARGET\t")
	for _, c := range builds {
		ok := c.ratio() <= c.target
		fmt.Fprintf(table, "%s\t%s\t%s\t%.2f\t<= %.2f\t%s\n", c.job, c.pulpimg, c.bake, c.ratio(), c.target, verdict(ok))
	}
	fmt.Fprintf(table, "engine: asked for until ready\t%s\t\t\t<= %s\t%s\n", start, milliseconds(readyWithin), verdict(start.median() <= readyWithin))
	if err := table.Flush(); err != nil {
		return false
	}
	return met
}
