// Package container makes the command line that starts an image of a family with docker or podman, with everything that the spec says about
// the image.
//
// It starts no container, and does not look at the machine.
package container
