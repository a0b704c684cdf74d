// Package inlab runs what needs the lab of test/lab, and finds there the programs under test. Tests that are started outside of a lab get one
// of their own.
package inlab
