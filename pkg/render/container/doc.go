// Package container makes the command line that starts an image of a family with docker or podman, as somebody would type it who knows
// all that the spec says of the image.
//
// It starts nothing and looks at no machine.
package container
