// Package family resolves a spec into the family of images that it declares: variables get their values, images are put in build
// order and steps find their files.
//
// It decides what the images are. It knows nothing of how they are built: no BuildKit, no engine, no registry.
package family
