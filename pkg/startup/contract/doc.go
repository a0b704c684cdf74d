// Package contract is what a family's spec says to the containers of its images: the environment that they read, the settings that
// they write and the services that they wait for. It is written into every image as one file of JSON when the image is built, and read
// by pulp-helper when a container starts.
//
// It knows neither the spec nor images, and it does none of what it describes.
package contract
