//go:build linux && !race

package engine_test

const raceEnabled = false
