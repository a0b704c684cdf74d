// Package build builds a family on an engine and leaves the images in an OCI layout.
//
// One build function drives the engine: it looks up the bases, makes the file layers, compiles the images to LLB and has all their solve
// targets solved in one session. One export then brings all targets to the client, as an index with an entry for each target and platform.
// So a blob that images share is sent once, and a blob that the layout already has is not sent at all. At the end, the manifests of the
// images are written: each has the layers of its target, and the layers of its last file steps.
//
// A [Cache] keeps what later builds use, and finds the images of earlier ones. [Family] does from Go what `pulpimg build` does from the shell,
// and [publish.Images] publishes what it built.
//
// The package prints nothing but the progress of a build, and it publishes nothing.
package build
