package main

import (
	"errors"
	"testing"
	"time"
)

func TestParseEpoch(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       time.Time
		err        string
	}{
		{"nothing", "", time.Unix(0, 0), ""},
		{"seconds", "1700000000", time.Unix(1700000000, 0), ""},
		{"the last second", "253402300799", time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), ""},
		{"one second more", "253402300800", time.Time{}, "SOURCE_DATE_EPOCH=253402300800 is after the year 9999: it has to be in seconds since 1970, not in milliseconds"},
		{"milliseconds", "1700000000000", time.Time{}, "SOURCE_DATE_EPOCH=1700000000000 is after the year 9999: it has to be in seconds since 1970, not in milliseconds"},
		{"nanoseconds", "1700000000000000000", time.Time{}, "SOURCE_DATE_EPOCH=1700000000000000000 is after the year 9999: it has to be in seconds since 1970, not in milliseconds"},
		{"a negative number", "-1", time.Time{}, `SOURCE_DATE_EPOCH="-1" is no number of seconds since 1970, such as 1767225600`},
		{"a fraction", "1.5", time.Time{}, `SOURCE_DATE_EPOCH="1.5" is no number of seconds since 1970, such as 1767225600`},
		{"a date", "2026-01-01", time.Time{}, `SOURCE_DATE_EPOCH="2026-01-01" is no number of seconds since 1970, such as 1767225600`},
		{"more than a number holds", "99999999999999999999", time.Time{}, `SOURCE_DATE_EPOCH="99999999999999999999" is no number of seconds since 1970, such as 1767225600`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseEpoch(test.text)
			var usage usageError
			switch {
			case test.err == "" && (err != nil || !got.Equal(test.want)):
				t.Errorf("%v, %v, want %v", got, err, test.want)
			case test.err != "" && (!errors.As(err, &usage) || err.Error() != test.err):
				t.Errorf("error %v, want %s", err, test.err)
			}
		})
	}
}
