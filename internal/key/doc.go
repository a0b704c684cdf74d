// Package key computes the keys of steps: digests over all that decides what a step makes, as far as that can be said before it is made.
// Equal steps on equal bases have equal keys, on every machine and as any user.
//
// A key is the SHA-256 digest of a list of values, each written as a netstring: its length in bytes in decimal, a colon, the bytes and a
// comma (https://cr.yp.to/proto/netstrings.txt). docs/keys.md lists the values of each kind of key.
//
// The package knows neither specs nor families, and keeps nothing: what a key stands for is with package record.
package key
