package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

// maxEpoch is the last second of the year 9999, after which no time can be written in a config's JSON (RFC 3339).
const maxEpoch = 253_402_300_799

// sourceDateEpoch is the time that images carry: the same for every build, unless the environment says otherwise.
func sourceDateEpoch() (time.Time, error) { return parseEpoch(os.Getenv("SOURCE_DATE_EPOCH")) }

// parseEpoch reads a time as reproducible builds are told it: a number of seconds since 1970. One in milliseconds would be a time thousands of
// years ahead. https://reproducible-builds.org/specs/source-date-epoch/
func parseEpoch(text string) (time.Time, error) {
	if text == "" {
		return time.Unix(0, 0).UTC(), nil
	}
	seconds, err := strconv.ParseUint(text, 10, 63)
	switch {
	case err != nil:
		return time.Time{}, usageError{fmt.Errorf("SOURCE_DATE_EPOCH=%q is no number of seconds since 1970, such as %d", text, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Unix())}
	case seconds > maxEpoch:
		return time.Time{}, usageError{fmt.Errorf("SOURCE_DATE_EPOCH=%s is after the year 9999: it has to be in seconds since 1970, not in milliseconds", text)}
	}
	return time.Unix(int64(seconds), 0).UTC(), nil
}
