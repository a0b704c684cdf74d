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

// String is the median and, in parentheses, the fastest and the slowest.
func (t times) String() string {
	return fmt.Sprintf("%s (%s-%s)", milliseconds(t.median()), milliseconds(slices.Min(t)), milliseconds(slices.Max(t)))
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
