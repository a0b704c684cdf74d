// Package layout keeps the images of the last builds of a spec in a directory, as an OCI image layout with entries for each build.
//
// Any number of commands use a layout at once. Each holds it open for as long as it works with the images, and what a build added stays
// for at least as long. What no kept build needs is removed by a command that finds itself alone when it closes the layout.
//
// [Blobs] are the content of a layout, by digest. They can be used without the rest: they do not know what they hold, nor who needs it.
//
// The package does not know how images are made or where they go.
package layout
