// Package export takes the images of a layout to places that are no registry: an OCI layout of the user's, a docker archive, the
// image store of docker or podman.
package export
