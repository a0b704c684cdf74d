// Package build builds a family on an engine and leaves the images in an OCI layout.
//
// One build function drives the engine: it resolves the bases, makes the file layers, compiles the images and has them all solved in
// one session. One export then brings the whole family to the client, as an index with an entry for each image and platform, so a
// blob that images share is sent once, and a blob that the layout holds already is not sent at all.
//
// It does not choose the engine, and it publishes nothing.
package build
