// Package engine decides which BuildKit a command talks to and hands out a
// client for it: the one that this binary carries (embedded, the default) or one
// that runs elsewhere (remote: --engine, BUILDKIT_HOST). Its callers get a
// *client.Client and do not know which.
//
// The embedded engine is buildkitd with runc, unpacked once into the user's cache
// directory and run as a child for the length of the command:
//
//	CACHE/engine/lock           held while an engine runs; says which pulpimg runs it
//	CACHE/engine/bin-DIGEST/    the programs of package bundle
//	CACHE/engine/state/         buildkitd's own: snapshots, blobs, records
//	CACHE/engine/buildkitd.log  of the last run; .old of the one before
//
// The child is process 1 of a PID namespace and waits on a pipe that only this
// process holds. The kernel closes the pipe however this process ends, and ends
// the whole namespace together with its process 1: neither buildkitd nor a
// build container outlives pulpimg. See the command in bundle/engine-init.
//
// It does not build: package build does, with the client.
package engine
