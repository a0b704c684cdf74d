package main

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"
)

// readyWithin is how soon the embedded engine has to answer.
const readyWithin = 200 * time.Millisecond

// findings are all that was measured.
type findings struct {
	builds   []comparison
	amounts  []amount
	start    times
	rootless *rootlessComparison
}

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

// An amount is something that was counted, and the most that pulpimg may have of it.
type amount struct {
	what    string
	pulpimg float64
	bake    *float64 // nil where it was not measured
	most    float64
}

// against returns the amount with bake's number beside it.
func (a amount) against(bake float64) amount {
	a.bake = &bake
	return a
}

// A verdict says whether targets are met, and remembers whether all were.
type verdict struct{ missed bool }

func (v *verdict) of(met bool) string {
	if met {
		return "met"
	}
	v.missed = true
	return "MISSED"
}

// report prints what was measured, and reports whether all targets are met.
func report(out io.Writer, found findings) (met bool) {
	var v verdict
	for _, print := range []func(io.Writer, findings, *verdict) error{reportTimes, reportAmounts, reportMemory, reportRootless} {
		if print(out, found, &v) != nil {
			return false
		}
	}
	return !v.missed
}

func reportTimes(out io.Writer, found findings, v *verdict) error {
	fmt.Fprintf(out, "medians (fastest-slowest) and the number of runs\n\n")
	if len(found.builds)+len(found.start) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "JOB\tRUNS\tPULPIMG\tBUILDX BAKE\tRATIO\tTARGET\t")
	for _, c := range found.builds {
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%.2f\t<= %.2f\t%s\n",
			c.job, len(c.pulpimg), c.pulpimg, c.bake, c.ratio(), c.target, v.of(c.ratio() <= c.target))
	}
	if start := found.start; len(start) > 0 {
		fmt.Fprintf(table, "engine: asked for until ready\t%d\t%s\t\t\t<= %s\t%s\n",
			len(start), start, milliseconds(readyWithin), v.of(start.median() <= readyWithin))
	}
	return table.Flush()
}

func reportAmounts(out io.Writer, found findings, v *verdict) error {
	if len(found.amounts) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nREQUESTS AND BYTES\tPULPIMG\tBUILDX BAKE\tTARGET\t")
	for _, a := range found.amounts {
		bake := ""
		if a.bake != nil {
			bake = number(*a.bake)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t<= %s\t%s\n", a.what, number(a.pulpimg), bake, number(a.most), v.of(a.pulpimg <= a.most))
	}
	return table.Flush()
}

// number is a number with at most two digits behind the point.
func number(n float64) string {
	const digits = 100
	return strconv.FormatFloat(float64(int64(n*digits+0.5))/digits, 'f', -1, 64)
}

// reportRootless prints what root and an ordinary user took for the same.
func reportRootless(out io.Writer, found findings, v *verdict) error {
	c := found.rootless
	if c == nil {
		return nil
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nEMPTY CACHE\tRUNS\tROOTLESS\tROOT\tRATIO\tTARGET\t")
	fmt.Fprintf(table, "4 images, built and pushed\t%d\t%s\t%s\t%.2f\t<= %.2f\t%s\n",
		len(c.root), c.rootless, c.root, c.ratio(), c.target, v.of(c.ratio() <= c.target))
	return table.Flush()
}

// reportMemory prints the memory of the builds for which it was measured.
func reportMemory(out io.Writer, found findings, v *verdict) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	title := "\nMOST MEMORY AT A TIME\tPULPIMG\tTARGET\t\tWITH ENGINE\tTARGET\t\tBUILDX BAKE\tWITH ENGINE\n"
	for _, c := range found.builds {
		if c.memory == nil {
			continue
		}
		fmt.Fprint(table, title)
		title = ""
		ours, theirs := c.memory.pulpimg, c.memory.bake
		fmt.Fprintf(table, "%s\t%s\t<= %s\t%s\t%s\t<= %s\t%s\t%s\t%s\n", c.job,
			megabytes(ours.tool), megabytes(toolMemory), v.of(ours.tool <= toolMemory),
			megabytes(ours.withEngine), megabytes(withEngineMemory), v.of(ours.withEngine <= withEngineMemory),
			megabytes(theirs.tool), megabytes(theirs.withEngine))
	}
	return table.Flush()
}

func megabytes(n int64) string { return fmt.Sprintf("%d MB", n>>20) }
