package main

import (
	"strings"
	"testing"
	"time"
)

func TestMedianIsTheMiddleOrTheMeanOfTheMiddleTwo(t *testing.T) {
	for _, tc := range []struct {
		all  times
		want time.Duration
	}{
		{times{7}, 7},
		{times{90, 1, 5}, 5},
		{times{90, 2, 6, 1}, 4},
	} {
		if got := tc.all.median(); got != tc.want {
			t.Errorf("%v: got %d, want %d", []time.Duration(tc.all), got, tc.want)
		}
	}
}

func TestReportSaysWhichTargetIsMissed(t *testing.T) {
	const ms = time.Millisecond
	for _, tc := range []struct {
		name        string
		ours, start time.Duration
		met         bool
		want        string
	}{
		{"all met", 50 * ms, 200 * ms, true, "0.50   <= 0.50    met"},
		{"a build is too slow", 51 * ms, 200 * ms, false, "0.51   <= 0.50    MISSED"},
		{"the engine is too slow", 50 * ms, 201 * ms, false, "<= 200 ms  MISSED"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out strings.Builder
			builds := []comparison{{job: "build", pulpimg: times{tc.ours}, bake: times{100 * ms}, target: 0.5}}
			if got := report(&out, 1, builds, times{tc.start}); got != tc.met {
				t.Errorf("met: %t", got)
			}
			if !strings.Contains(out.String(), tc.want) {
				t.Errorf("%q is not in:\n%s", tc.want, &out)
			}
		})
	}
}
