// Package export takes images of a layout to places that are no registry: a docker archive, the image store of docker or podman. Another
// image layout is the layout's own business.
package export
