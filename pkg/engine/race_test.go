//go:build linux && race

package engine_test

const raceEnabled = true
