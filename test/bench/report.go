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
	memory        *memories // nil where it was not measured
}

// memories are what both tools had resident at most.
type memories struct{ pulpimg, bake memory }

// What pulpimg may have resident, alone and with the engine.
const (
	toolMemory       = 150 << 20
	withEngineMemory = 400 << 20
)

func (c comparison) ratio() float64 {
	return float64(c.pulpimg.median()) / float64(c.bake.median())
}

// report prints what was measured, and reports whether all targets are met.
func report(out io.Writer, builds []comparison, start times) (met bool) {
	met = true
	verdict := func(ok bool) string {
		if ok {
			return "met"
		}
		met = false
		return "MISSED"
	}
	fmt.Fprintf(out, "medians (fastest-slowest) and the number of runs\n\n")
	if len(builds)+len(start) == 0 {
		return true
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "JOB\tRUNS\tPULPIMG\tBUILDX BAKE\tRATIO\tTARGET\t")
	for _, c := range builds {
		ok := c.ratio() <= c.target
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%.2f\t<= %.2f\t%s\n", c.job, len(c.pulpimg), c.pulpimg, c.bake, c.ratio(), c.target, verdict(ok))
	}
	if len(start) > 0 {
		fmt.Fprintf(table, "engine: asked for until ready\t%d\t%s\t\t\t<= %s\t%s\n", len(start), start, milliseconds(readyWithin), verdict(start.median() <= readyWithin))
	}
	if err := table.Flush(); err != nil {
		return false
	}
	if err := reportMemory(out, builds, verdict); err != nil {
		return false
	}
	return met
}

// reportRootless prints what root and an ordinary user took for the same, and reports whether the target is met.
func reportRootless(out io.Writer, c rootlessComparison) (met bool) {
	met = c.ratio() <= c.target
	verdict := "MISSED"
	if met {
		verdict = "met"
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nEMPTY CACHE\tRUNS\tROOTLESS\tROOT\tRATIO\tTARGET\t")
	fmt.Fprintf(table, "4 images, built and pushed\t%d\t%s\t%s\t%.2f\t<= %.2f\t%s\n", len(c.root), c.rootless, c.root, c.ratio(), c.target, verdict)
	return table.Flush() == nil && met
}

// reportMemory prints the memory of the builds for which it was measured.
func reportMemory(out io.Writer, builds []comparison, verdict func(bool) string) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	title := "\nMOST MEMORY AT A TIME\tPULPIMG\tTARGET\t\tWITH ENGINE\tTARGET\t\tBUILDX BAKE\tWITH ENGINE\n"
	for _, c := range builds {
		if c.memory == nil {
			continue
		}
		fmt.Fprint(table, title)
		title = ""
		ours, theirs := c.memory.pulpimg, c.memory.bake
		fmt.Fprintf(table, "%s\t%s\t<= %s\t%s\t%s\t<= %s\t%s\t%s\t%s\n", c.job,
			megabytes(ours.tool), megabytes(toolMemory), verdict(ours.tool <= toolMemory),
			megabytes(ours.withEngine), megabytes(withEngineMemory), verdict(ours.withEngine <= withEngineMemory),
			megabytes(theirs.tool), megabytes(theirs.withEngine))
	}
	return table.Flush()
}

func megabytes(n int64) string { return fmt.Sprintf("%d MB", n>>20) }
