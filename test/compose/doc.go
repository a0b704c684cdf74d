// Package compose holds the files of `pulpimg compose` to the Compose specification: its tests load them with compose-go, which docker
// compose loads them with too.
//
// It is a module of its own so that compose-go stays out of the product's dependencies.
package compose
