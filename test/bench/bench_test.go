package main

import (
	"os"
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
			if got := report(&out, findings{builds: builds, start: times{tc.start}}); got != tc.met {
				t.Errorf("met: %t", got)
			}
			if !strings.Contains(out.String(), tc.want) {
				t.Errorf("%q is not in:\n%s", tc.want, &out)
			}
		})
	}
}

func TestReport_memory(t *testing.T) {
	const mb = 1 << 20
	for _, tc := range []struct {
		name string
		used memory
		met  bool
		want string
	}{
		{"all met", memory{150 * mb, 400 * mb}, true, "<= 150 MB  met  400 MB       <= 400 MB  met"},
		{"the tool has too much", memory{150*mb + 1, 400 * mb}, false, "<= 150 MB  MISSED"},
		{"both together have too much", memory{mb, 400*mb + 1}, false, "<= 400 MB  MISSED"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out strings.Builder
			builds := []comparison{{job: "build", pulpimg: times{1}, bake: times{1}, target: 1, memory: &memories{pulpimg: tc.used}}}
			if got := report(&out, findings{builds: builds}); got != tc.met {
				t.Errorf("met: %t", got)
			}
			if !strings.Contains(out.String(), tc.want) {
				t.Errorf("%q is not in:\n%s", tc.want, &out)
			}
		})
	}
}

func TestParseStat(t *testing.T) {
	page := int64(os.Getpagesize())
	for _, tc := range []struct {
		name, text string
		want       process
		ok         bool
	}{
		{"a usual name", "7 (sh) S 5 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 3 9", process{5, 3 * page}, true},
		{"a name with parentheses and spaces", "7 (a) S 1 (b) S 5 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 3 9", process{5, 3 * page}, true},
		{"cut short", "7 (sh) S 5 0", process{}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got, ok := parseStat(tc.text); got != tc.want || ok != tc.ok {
				t.Errorf("got %v, %t", got, ok)
			}
		})
	}
}
