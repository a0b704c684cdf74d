// Package bundle holds the programs of the embedded engine: buildkitd, runc and
// engine-init, compressed, inside this binary, and says which versions they are.
//
// Each program that is not ours is pinned by a go.mod of its own (buildkitd/,
// runc/), so that its requirements stay out of the product's. The command in
// build/ compiles them into bin/, which is not committed; a binary compiled
// without that step has an empty bundle, and [Load] says so. buildkitd is compiled
// without its network proxy: build/source.go says why.
//
// It does not unpack to disk and runs nothing: that is what package engine does.
package bundle
