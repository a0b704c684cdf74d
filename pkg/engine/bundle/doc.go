// Package bundle has the programs of the embedded engine inside this binary, compressed: buildkitd, runc and engine-init. It knows their
// versions and digests.
//
// A program that is not a part of pulpimg is pinned by a go.mod of its own (buildkitd/, runc/), so that the product does not get its
// requirements. The command in build/ compiles the programs into bin/GOARCH/, which is not committed. In a binary that was compiled without that
// step, the bundle is empty, and [Load] returns an error. buildkitd is compiled without its network proxy; build/source.go says why.
//
// It writes nothing to disk and runs nothing: package engine does that.
package bundle
