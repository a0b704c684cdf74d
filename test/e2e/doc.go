// Package e2e holds the acceptance tests of pulpimg: the program as a user runs it, with the engine that it carries, against the
// lab of test/lab, and judged by other tools (skopeo, podman, go-containerregistry) where it can be. What a package does by itself
// is tested beside it, not here.
//
// The tests need root on Debian, and Go. They make what they run: the program (unless PULPIMG names one) and a lab (unless
// they run under `lab run --services`). Most of them share one cache directory, because an empty one costs unpacking the base image.
//
// A test enters the lane of what it shares with others: one test of a lane runs at a time, beside those of other lanes. Tests that a busy
// machine could disturb have none, and run before all others, by themselves. -parallel=1 runs all tests by themselves.
package e2e
