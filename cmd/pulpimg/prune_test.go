package main

import (
	"errors"
	"testing"
	"time"

	"github.com/pulpimg/pulpimg/pkg/build"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"5GB": 5e9, "500MB": 5e8, "1.5GiB": 3 << 29, "10g": 1e10, "2 TB": 2e12, "100b": 100, "64KiB": 64 << 10,
		"": 0, "5": 0, "5.": 0, "0GB": 0, "-5GB": 0, "GB": 0, "5XB": 0, "5GBB": 0, "1e30GB": 0, "0.1b": 0, "all": 0,
	} {
		got, err := parseSize(text)
		if got != want || (err != nil) != (want == 0) {
			t.Errorf("%q: got %d (%v), want %d", text, got, err, want)
		}
	}
}

func TestParseAge(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"7d": 7 * day, "24h": day, "1d12h": day + 12*time.Hour, "90m": 90 * time.Minute, "1d1s": day + time.Second,
		"": 0, "7": 0, "0d": 0, "0h": 0, "-1h": 0, "-7d": 0, "1d-2h": 0, "1.5d": 0, "7days": 0, "d": 0, "99999999999999999999d": 0, "200000d": 0, "12h1d": 0,
	} {
		got, err := parseAge(text)
		if got != want || (err != nil) != (want == 0) {
			t.Errorf("%q: got %v (%v), want %v", text, got, err, want)
		}
	}
}

func TestKeptSize(t *testing.T) {
	for _, c := range []struct {
		value string
		want  int64
	}{{"", build.DefaultSize}, {"2GB", 2e9}, {"2", 0}} {
		t.Setenv(keepVariable, c.value)
		got, err := keptSize()
		var usage usageError
		if got != c.want || errors.As(err, &usage) != (c.want == 0) {
			t.Errorf("%q: got %d (%v), want %d", c.value, got, err, c.want)
		}
	}
}
