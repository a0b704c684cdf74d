package main

import (
	"fmt"
	"slices"
	"time"
)

// times are the durations of repeated runs of one thing; there is at least one.
type times []time.Duration

func (t times) median() time.Duration {
	sorted := slices.Sorted(slices.Values(t))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// String is the median and, in parentheses, the fastest and the slowest, in milliseconds.
func (t times) String() string {
	return fmt.Sprintf("%s (%d-%d)", milliseconds(t.median()), slices.Min(t).Milliseconds(), slices.Max(t).Milliseconds())
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
