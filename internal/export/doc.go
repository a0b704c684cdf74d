// Package export takes images of a layout to places that are no registry: a docker archive, the image store of docker, podman or nerdctl. Another
// image layout is the layout's own business.
package export
